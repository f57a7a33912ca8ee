//! The threads that compress the files of one zip.

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

use crate::{
    CodeLimits, CodeRepoReason,
    contents::Reuse,
    packed::{Packed, Place},
    spool::Spool,
};

/// How much the thread that reads compresses itself before it starts others, in bytes. Most versions change little, and
/// a thread with its memory costs more than that.
const ALONE: u64 = 1 << 20;

/// A file to compress.
pub(crate) struct Job {
    index: usize,
    id: Option<ContentId>,
    file: FileEntry,
    content: Vec<u8>,
}

impl Job {
    /// The file at the place `index` of the list, whose content the repository calls `id`.
    pub(crate) fn new(index: usize, id: Option<ContentId>, file: &FileEntry, content: Vec<u8>) -> Self {
        Self {
            index,
            id,
            file: file.clone(),
            content,
        }
    }
}

/// What the threads that make one zip share.
pub(crate) struct PackingState {
    pub(crate) spool: Mutex<Spool>,
    pub(crate) reuse: Arc<Reuse>,
    pub(crate) packed: Mutex<Vec<(usize, Packed)>>,
    pub(crate) failure: Mutex<Option<CodeRepoReason>>,
}

/// The threads that compress. They end when this is dropped, once they have done what they were given.
pub(crate) struct Workers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    pub(crate) state: &'env PackingState,
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
    pub(crate) fn new(
        scope: &'scope Scope<'scope, 'env>,
        state: &'env PackingState,
        limits: &CodeLimits,
    ) -> Self {
        Self {
            scope,
            state,
            threads: limits.threads.max(1),
            level: limits.level,
            done: 0,
            deflater: None,
            compressed: Vec::new(),
            jobs: None,
        }
    }

    /// For what is compressed on the thread that reads.
    pub(crate) fn deflater(&mut self) -> &mut Deflater {
        self.deflater.get_or_insert_with(|| Deflater::new(self.level))
    }

    /// Compresses a file, here or on another thread. The result is written into the shared state.
    pub(crate) fn give(&mut self, job: Job) -> Result<(), CodeRepoReason> {
        self.done = self.done.saturating_add(job.content.len() as u64);
        if self.done <= ALONE {
            let level = self.level;
            let deflater = self.deflater.get_or_insert_with(|| Deflater::new(level));
            compress(deflater, &mut self.compressed, &job, self.state);
            return Ok(());
        }
        if self.jobs.is_none() {
            self.jobs = Some(self.start());
        }
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            // All threads have ended, so that no job would be taken.
            _ => Err(CodeRepoReason::Internal("nothing compresses any more".to_owned())),
        }
    }

    fn start(&self) -> SyncSender<Job> {
        let (jobs, taken) = sync_channel(self.threads);
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..self.threads {
            let (state, taken, level) = (self.state, Arc::clone(&taken), self.level);
            self.scope.spawn(move || work(level, &taken, state));
        }
        jobs
    }
}

/// Compresses what it is given until there is no more. After a failure it takes the rest without looking at it.
fn work(level: Level, jobs: &Mutex<Receiver<Job>>, state: &PackingState) {
    let mut deflater = Deflater::new(level);
    let mut compressed = Vec::new();
    loop {
        let next = jobs.lock().recv();
        let Ok(job) = next else {
            return;
        };
        if state.failure.lock().is_none() {
            compress(&mut deflater, &mut compressed, &job, state);
        }
    }
}

/// Compresses a file; `compressed` is a buffer.
fn compress(deflater: &mut Deflater, compressed: &mut Vec<u8>, job: &Job, state: &PackingState) {
    compressed.clear();
    let member = deflater.deflate(&job.file, job.content.as_slice(), |bytes| {
        compressed.extend_from_slice(bytes);
        Ok(())
    });
    let packed = member.map_err(CodeRepoReason::zip).and_then(|member| {
        let extent = state
            .spool
            .lock()
            .append(compressed)
            .map_err(CodeRepoReason::spool)?;
        if let Some(id) = job.id {
            state.reuse.keep(id, member, compressed);
        }
        Ok(Packed {
            member,
            place: Place::Spooled(extent),
        })
    });
    match packed {
        Ok(packed) => state.packed.lock().push((job.index, packed)),
        Err(reason) => {
            state.failure.lock().get_or_insert(reason);
        }
    }
}
