//! Who compresses the files of one zip.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::Scope,
};

use parking_lot::Mutex;
use stoa_module::zip::{Deflater, FileEntry, Level};
use stoa_vcs::ContentId;

use super::{
    contents::Reuse,
    error::CodeFault,
    limits::CodeLimits,
    pack::{Packed, Place, spool_fault, zip_fault},
    spool::Spool,
};

/// How much the thread that reads compresses itself before it starts others, in bytes. Most versions change little, and
/// a thread with its memory costs more than that.
const ALONE: u64 = 1 << 20;

/// A file to compress.
pub(super) struct Job {
    index: usize,
    id: Option<ContentId>,
    file: FileEntry,
    content: Vec<u8>,
}

impl Job {
    /// The file at the place `index` of the list, whose content the repository calls `id`.
    pub(super) fn new(index: usize, id: Option<ContentId>, file: &FileEntry, content: Vec<u8>) -> Self {
        Self {
            index,
            id,
            file: file.clone(),
            content,
        }
    }
}

/// What the threads share.
pub(super) struct Shared {
    pub(super) spool: Mutex<Spool>,
    pub(super) reuse: Arc<Reuse>,
    pub(super) packed: Mutex<Vec<(usize, Packed)>>,
    pub(super) failure: Mutex<Option<CodeFault>>,
}

/// The threads that compress. They end when this is dropped, once they have done what they were given.
pub(super) struct Workers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    pub(super) shared: &'env Shared,
    threads: usize,
    level: Level,
    /// How many bytes were compressed here.
    done: u64,
    deflater: Option<Deflater>,
    compressed: Vec<u8>,
    /// Where the others take from, once there are any.
    jobs: Option<SyncSender<Job>>,
}

impl<'scope, 'env> Workers<'scope, 'env> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, shared: &'env Shared, limits: &CodeLimits) -> Self {
        Self {
            scope,
            shared,
            threads: limits.threads.max(1),
            level: limits.level,
            done: 0,
            deflater: None,
            compressed: Vec::new(),
            jobs: None,
        }
    }

    /// For what is compressed on the thread that reads.
    pub(super) fn deflater(&mut self) -> &mut Deflater {
        self.deflater.get_or_insert_with(|| Deflater::new(self.level))
    }

    /// Compresses a file, here or on another thread. How that ends is told in what they share.
    pub(super) fn give(&mut self, job: Job) -> Result<(), CodeFault> {
        self.done = self.done.saturating_add(job.content.len() as u64);
        if self.done <= ALONE {
            let level = self.level;
            let deflater = self.deflater.get_or_insert_with(|| Deflater::new(level));
            compress(deflater, &mut self.compressed, &job, self.shared);
            return Ok(());
        }
        if self.jobs.is_none() {
            self.jobs = Some(self.start());
        }
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            // If all threads are gone nobody takes jobs.
            _ => Err(CodeFault::Internal("nothing compresses any more".to_owned())),
        }
    }

    fn start(&self) -> SyncSender<Job> {
        let (jobs, taken) = sync_channel(self.threads);
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..self.threads {
            let (shared, taken, level) = (self.shared, Arc::clone(&taken), self.level);
            self.scope.spawn(move || work(level, &taken, shared));
        }
        jobs
    }
}

/// Compresses what it is given until there is no more. After a failure it takes the rest without looking at it.
fn work(level: Level, jobs: &Mutex<Receiver<Job>>, shared: &Shared) {
    let mut deflater = Deflater::new(level);
    let mut compressed = Vec::new();
    loop {
        let next = jobs.lock().recv();
        let Ok(job) = next else {
            return;
        };
        if shared.failure.lock().is_none() {
            compress(&mut deflater, &mut compressed, &job, shared);
        }
    }
}

/// Compresses a file; `compressed` is a buffer.
fn compress(deflater: &mut Deflater, compressed: &mut Vec<u8>, job: &Job, shared: &Shared) {
    compressed.clear();
    let member = deflater.deflate(&job.file, job.content.as_slice(), |bytes| {
        compressed.extend_from_slice(bytes);
        Ok(())
    });
    let packed = member.map_err(zip_fault).and_then(|member| {
        let extent = shared.spool.lock().append(compressed).map_err(spool_fault)?;
        if let Some(id) = job.id {
            shared.reuse.keep(id, member, compressed);
        }
        Ok(Packed {
            member,
            place: Place::Spooled(extent),
        })
    });
    match packed {
        Ok(packed) => shared.packed.lock().push((job.index, packed)),
        Err(fault) => {
            shared.failure.lock().get_or_insert(fault);
        }
    }
}
