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
    zip::{Deflater, FileEntry, FileKind, PackedZip, ZipError},
};
use stoa_vcs::{Archive, Entry, VcsError};

use crate::{
    CodeLimits, CodeRepoReason, ModuleZip,
    contents::Reuse,
    entries::{Entries, read_small},
    packed::{Packed, Place},
    spool::{Extent, Spool},
    workers::{Job, PackingState, Workers},
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
pub(crate) struct Packer {
    pub(crate) target: ModuleVersion,
    /// The LICENSE of the repository's root, for a module below it that has none.
    pub(crate) license: Option<Result<Bytes, VcsError>>,
    /// What need not be compressed again.
    pub(crate) reuse: Arc<Reuse>,
    pub(crate) limits: CodeLimits,
    /// Where temporary files go.
    pub(crate) dir: PathBuf,
    /// Ends the work.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Packer {
    /// Reads the archive and puts the zip together.
    pub(crate) fn pack(self, archive: &mut dyn Archive) -> Result<ModuleZip, CodeRepoReason> {
        let state = PackingState {
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
            let mut workers = Workers::new(scope, &state, &self.limits);
            self.read(archive, &mut workers)
        });
        if let Some(reason) = state.failure.into_inner() {
            return Err(reason);
        }
        let entries = entries?;
        let mut packed: Vec<Option<Packed>> = Vec::new();
        packed.resize_with(entries.files.len(), || None);
        for (index, content) in state.packed.into_inner() {
            packed[index] = Some(content);
        }
        let zip = PackedZip::new(&self.target, &entries.files, entries.go_mod.as_deref(), |index| {
            packed[index].as_ref().map(|packed| packed.member)
        });
        let zip = zip.map_err(CodeRepoReason::zip)?;
        Ok(ModuleZip::new(
            self.target,
            zip,
            packed,
            state.spool.into_inner(),
            self.reuse,
        ))
    }

    /// Reads all entries, and gives the files that may belong into the zip to the threads.
    fn read(
        &self,
        archive: &mut dyn Archive,
        workers: &mut Workers<'_, '_>,
    ) -> Result<Entries, CodeRepoReason> {
        let mut entries = Entries::default();
        let state = workers.state;
        while let Some(mut entry) = archive.next_entry()? {
            if self.stop.load(Ordering::Relaxed) || state.failure.lock().is_some() {
                return Err(CodeRepoReason::Internal(
                    "the zip is not wanted any more".to_owned(),
                ));
            }
            let added = entries.add(&mut entry, &self.limits);
            let index = match added {
                Ok(index) => index,
                Err(reason) => {
                    archive.next_entry()?;
                    return Err(reason);
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
                state.packed.lock().push((index, packed));
                Ok(())
            } else if file.size <= SMALL {
                read_small(&mut entry, &file.path)
                    .and_then(|content| workers.give(Job::new(index, id, file, content)))
            } else {
                compress_large(workers.deflater(), index, file, &mut entry, state)
            };
            if let Err(reason) = given {
                // If the archive broke off, its next entry tells why.
                archive.next_entry()?;
                return Err(reason);
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
    state: &PackingState,
) -> Result<(), CodeRepoReason> {
    let mut extents: Vec<Extent> = Vec::new();
    let mut spool_failed = None;
    let member = deflater.deflate(file, &mut *entry.content, |bytes| {
        let extent = state.spool.lock().append(bytes).map_err(|error| {
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
        return Err(CodeRepoReason::spool(error));
    }
    let member = member.map_err(|error| match error {
        ZipError::Io(error) => CodeRepoReason::read(error),
        error => CodeRepoReason::zip(error),
    })?;
    let packed = Packed {
        member,
        place: Place::Pieces(extents),
    };
    state.packed.lock().push((index, packed));
    Ok(())
}
