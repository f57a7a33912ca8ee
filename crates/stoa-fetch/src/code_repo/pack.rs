//! From an archive to compressed contents.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_module::{
    ModuleVersion,
    zip::{Deflater, FileEntry, FileKind, Member, PackedZip, SizeError, ZipError},
};
use stoa_vcs::{Archive, Entry, VcsError};

use super::{
    contents::{Compressed, Reuse},
    entries::{Entries, read_fault, read_small},
    error::CodeFault,
    limits::CodeLimits,
    module_zip::ModuleZip,
    spool::{Extent, Spool},
    workers::{Job, Shared, Workers},
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
        let entries = thread::scope(|scope| {
            let mut workers = Workers::new(scope, &shared, &self.limits);
            self.read(archive, &mut workers)
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
        Ok(ModuleZip::new(zip, packed, shared.spool.into_inner(), self.reuse))
    }

    /// Reads all entries, and gives the files that may belong into the zip to the threads.
    fn read(&self, archive: &mut dyn Archive, workers: &mut Workers<'_, '_>) -> Result<Entries, CodeFault> {
        let mut entries = Entries::default();
        let shared = workers.shared;
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
                workers.give(Job::new(index, id, file, content))
            } else if let Some(held) = id.and_then(|id| self.reuse.get(&id)) {
                let packed = Packed {
                    member: held.member,
                    place: Place::Held(held),
                };
                shared.packed.lock().push((index, packed));
                Ok(())
            } else if file.size <= SMALL {
                read_small(&mut entry, &file.path)
                    .and_then(|content| workers.give(Job::new(index, id, file, content)))
            } else {
                compress_large(workers.deflater(), index, file, &mut entry, shared)
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
            workers.give(Job::new(index, None, &entries.files[index], content))?;
        }
        Ok(entries)
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
