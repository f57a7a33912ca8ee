//! From an archive to compressed contents.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::{
    ModuleVersion,
    zip::{Deflater, FileEntry, FileKind, Member, PackedZip, SizeError, ZipError},
};
use stoa_vcs::{Archive, ContentId, Entry, VcsError};

use super::{
    contents::{Compressed, Reuse},
    entries::{Entries, read_fault, read_small},
    error::CodeFault,
    limits::CodeLimits,
    module_zip::ModuleZip,
    spool::{Extent, Spool},
};

/// The largest file that is read into memory for another thread to compress, in bytes. Larger ones are compressed as
/// they are read.
const SMALL: u64 = 1 << 20;

/// Makes the zip of a module of the entries of an archive: on the thread that calls it, which must be one for blocking
/// work, and as many others as the limits say.
///
/// The archive is read once, front to back, and its files are compressed while it is. Only when its last entry has come
/// is it known which belong into the zip: a go.mod makes a module of its folder, whatever came before it. What is left
/// out for sure is not compressed.
pub(super) struct Packer {
    pub(super) target: ModuleVersion,
    /// The LICENSE of the repository's root, for a module below it that has none.
    pub(super) license: Option<Result<Bytes, VcsError>>,
    /// What need not be compressed again.
    pub(super) reuse: Arc<Reuse>,
    pub(super) limits: CodeLimits,
    /// Where temporary files go.
    pub(super) dir: PathBuf,
    /// Ends the work.
    pub(super) stop: Arc<AtomicBool>,
}

/// A compressed content and where it is.
pub(super) struct Packed {
    pub(super) member: Member,
    pub(super) place: Place,
}

/// Where a compressed content is.
pub(super) enum Place {
    /// In the spool.
    Spooled(Extent),
    /// In the spool, compressed in pieces.
    Pieces(Vec<Extent>),
    /// An earlier zip has it, too.
    Held(Arc<Compressed>),
}

/// A file for a thread to compress.
struct Job {
    index: usize,
    id: Option<ContentId>,
    file: FileEntry,
    content: Vec<u8>,
}

/// What the threads share.
struct Shared {
    spool: Mutex<Spool>,
    reuse: Arc<Reuse>,
    packed: Mutex<Vec<(usize, Packed)>>,
    failure: Mutex<Option<CodeFault>>,
}

impl Packer {
    /// Reads the archive and puts the zip together.
    pub(super) fn pack(self, archive: &mut dyn Archive) -> Result<ModuleZip, CodeFault> {
        let shared = Shared {
            spool: Mutex::new(Spool::new(
                self.limits.spool,
                self.limits.memory,
                self.dir.clone(),
            )),
            reuse: Arc::clone(&self.reuse),
            packed: Mutex::new(Vec::new()),
            failure: Mutex::new(None),
        };
        let threads = self.limits.threads.max(1);
        let entries = thread::scope(|scope| {
            let (jobs, taken) = sync_channel(threads);
            let taken = Arc::new(Mutex::new(taken));
            for _ in 0..threads {
                let (shared, taken) = (&shared, Arc::clone(&taken));
                let level = self.limits.level;
                scope.spawn(move || compress(&mut Deflater::new(level), &taken, shared));
            }
            // If all threads are gone nobody takes jobs, and giving them out fails.
            drop(taken);
            self.read(archive, &jobs, &shared)
        });
        if let Some(fault) = shared.failure.into_inner() {
            return Err(fault);
        }
        let entries = entries?;
        let mut packed: Vec<Option<Packed>> = Vec::new();
        packed.resize_with(entries.files.len(), || None);
        for (index, content) in shared.packed.into_inner() {
            packed[index] = Some(content);
        }
        let zip = PackedZip::new(&self.target, &entries.files, entries.go_mod.as_deref(), |index| {
            packed[index].as_ref().map(|packed| packed.member)
        });
        let zip = zip.map_err(zip_fault)?;
        Ok(ModuleZip::new(zip, packed, shared.spool.into_inner()))
    }

    /// Reads all entries, and gives the files that may belong into the zip to the threads.
    fn read(
        &self,
        archive: &mut dyn Archive,
        jobs: &SyncSender<Job>,
        shared: &Shared,
    ) -> Result<Entries, CodeFault> {
        let mut entries = Entries::default();
        let mut deflater = None;
        while let Some(mut entry) = archive.next_entry()? {
            if self.stop.load(Ordering::Relaxed) || shared.failure.lock().is_some() {
                return Err(CodeFault::Internal("the zip is not wanted any more".to_owned()));
            }
            let added = entries.add(&mut entry, &self.limits);
            let index = match added {
                Ok(index) => index,
                Err(fault) => {
                    archive.next_entry()?;
                    return Err(fault);
                }
            };
            let file = &entries.files[index];
            if file.kind != FileKind::Regular || entries.is_left_out(&file.path) {
                continue;
            }
            let id = entry.id;
            let given = if index == entries.go_mod_index && entries.go_mod.is_some() {
                let content = entries.go_mod.clone().unwrap_or_default();
                give(jobs, index, id, file, content)
            } else if let Some(held) = id.and_then(|id| self.reuse.get(&id)) {
                let packed = Packed {
                    member: held.member,
                    place: Place::Held(held),
                };
                shared.packed.lock().push((index, packed));
                Ok(())
            } else if file.size <= SMALL {
                read_small(&mut entry, &file.path).and_then(|content| give(jobs, index, id, file, content))
            } else {
                let deflater = deflater.get_or_insert_with(|| Deflater::new(self.limits.level));
                compress_large(deflater, index, file, &mut entry, shared)
            };
            if let Err(fault) = given {
                // If the archive broke off, its next entry tells why.
                archive.next_entry()?;
                return Err(fault);
            }
        }
        if let Some(license) = &self.license
            && !entries.has_license
        {
            let content = license.clone()?.to_vec();
            let index = entries.files.len();
            entries
                .files
                .push(FileEntry::regular("LICENSE", content.len() as u64));
            give(jobs, index, None, &entries.files[index], content)?;
        }
        Ok(entries)
    }
}

fn give(
    jobs: &SyncSender<Job>,
    index: usize,
    id: Option<ContentId>,
    file: &FileEntry,
    content: Vec<u8>,
) -> Result<(), CodeFault> {
    let job = Job {
        index,
        id,
        file: file.clone(),
        content,
    };
    jobs.send(job)
        .map_err(|_| CodeFault::Internal("nothing compresses any more".to_owned()))
}

/// Compresses what it is given until there is no more. After a failure it takes the rest without looking at it.
fn compress(deflater: &mut Deflater, jobs: &Mutex<Receiver<Job>>, shared: &Shared) {
    let mut compressed = Vec::new();
    loop {
        let next = jobs.lock().recv();
        let Ok(Job {
            index,
            id,
            file,
            content,
        }) = next
        else {
            return;
        };
        if shared.failure.lock().is_some() {
            continue;
        }
        compressed.clear();
        let member = deflater.deflate(&file, content.as_slice(), |bytes| {
            compressed.extend_from_slice(bytes);
            Ok(())
        });
        let packed = member.map_err(zip_fault).and_then(|member| {
            let extent = shared.spool.lock().append(&compressed).map_err(spool_fault)?;
            if let Some(id) = id {
                shared.reuse.keep(id, member, &compressed);
            }
            Ok(Packed {
                member,
                place: Place::Spooled(extent),
            })
        });
        match packed {
            Ok(packed) => shared.packed.lock().push((index, packed)),
            Err(fault) => {
                shared.failure.lock().get_or_insert(fault);
            }
        }
    }
}

/// Compresses a file while it is read. Others write into the spool meanwhile, so it comes to lie in pieces.
fn compress_large(
    deflater: &mut Deflater,
    index: usize,
    file: &FileEntry,
    entry: &mut Entry<'_>,
    shared: &Shared,
) -> Result<(), CodeFault> {
    let mut extents: Vec<Extent> = Vec::new();
    let mut spool_failed = None;
    let member = deflater.deflate(file, &mut *entry.content, |bytes| {
        let extent = shared.spool.lock().append(bytes).map_err(|error| {
            spool_failed = Some(error);
            io::Error::other("temporary file")
        })?;
        match extents.last_mut() {
            Some(last) if last.offset + last.len == extent.offset => last.len += extent.len,
            _ => extents.push(extent),
        }
        Ok(())
    });
    if let Some(error) = spool_failed {
        return Err(spool_fault(error));
    }
    let member = member.map_err(|error| match error {
        ZipError::Io(error) => read_fault(error),
        error => zip_fault(error),
    })?;
    let packed = Packed {
        member,
        place: Place::Pieces(extents),
    };
    shared.packed.lock().push((index, packed));
    Ok(())
}

pub(super) fn zip_fault(error: ZipError) -> CodeFault {
    CodeFault::Zip(Arc::new(error))
}

pub(super) fn spool_fault(error: io::Error) -> CodeFault {
    match error.kind() {
        // The limit of the spool. That of a file system counts as the same.
        io::ErrorKind::FileTooLarge => zip_fault(SizeError::SourceTree.into()),
        _ => CodeFault::Spool(Arc::new(error)),
    }
}
