//! Modules of which something new is known to be there.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use stoa_fetch::{Renew, RepositoryPlace};
use stoa_module::{ModulePath, PatternList};
use tokio::{sync::mpsc, time::Instant};

/// So many are told apart. Those before count for all modules.
const MARKS: usize = 1024;

/// What somebody who knows has said: of these modules there is something new. What was learned of them before is old then.
///
/// A fixed file never changes, so this is about lists, `@latest`, branches, and what was not there.
pub struct Refreshes {
    /// Where modules of repositories come from.
    sources: Option<Arc<dyn Renew>>,
    started: Instant,
    /// Nanoseconds from the start to the newest mark, 0 before the first: most questions need to know no more.
    newest: AtomicU64,
    marks: Mutex<Marks>,
    /// Who passes it on to other nodes.
    listener: OnceLock<mpsc::Sender<PatternList>>,
}

#[derive(Debug, Default)]
struct Marks {
    /// The oldest first; each list of patterns once.
    marks: VecDeque<(PatternList, Instant)>,
    /// The last one that is not kept any more.
    forgotten: Option<Instant>,
}

impl Refreshes {
    /// Nothing is new yet. `sources` are told what is.
    pub fn new(sources: Option<Arc<dyn Renew>>) -> Self {
        Self {
            sources,
            started: Instant::now(),
            newest: AtomicU64::new(0),
            marks: Mutex::default(),
            listener: OnceLock::new(),
        }
    }

    /// What is said to be new here comes out of what is returned, for whoever passes it on. There is one such listener: `None`
    /// for a second one. One that does not read for long misses what comes in the meantime.
    pub fn listen(&self) -> Option<mpsc::Receiver<PatternList>> {
        let (tell, told) = mpsc::channel(MARKS);
        self.listener.set(tell).ok().map(|()| told)
    }

    /// There is something new of the modules that match, as of now. Whoever [listens](Self::listen) is told.
    pub fn modules(&self, modules: PatternList) {
        if let Some(listener) = self.listener.get()
            && listener.try_send(modules.clone()).is_err()
        {
            tracing::warn!(%modules, "other nodes are not told what is new: too much is");
        }
        self.heard(modules);
    }

    /// There is something new, as another node says, who has told all others.
    pub fn heard(&self, modules: PatternList) {
        self.mark(modules, Instant::now());
    }

    /// There was something new of a module at this time, as another node says that asks for it. Nothing, if that is known.
    pub fn heard_of(&self, module: &ModulePath, at: Instant) {
        let at = at.clamp(self.started, Instant::now());
        if self.latest(module.as_str()).is_none_or(|known| known < at) {
            self.mark(PatternList::parse(module.as_str()), at);
        }
    }

    fn mark(&self, modules: PatternList, at: Instant) {
        if let Some(sources) = &self.sources {
            sources.renew();
        }
        let mut marks = self.marks.lock();
        marks
            .marks
            .retain(|(known, before)| *known != modules || *before > at);
        let place = marks.marks.partition_point(|(_, before)| *before <= at);
        marks.marks.insert(place, (modules, at));
        if marks.marks.len() > MARKS {
            let oldest = marks.marks.pop_front();
            let forgotten = oldest.map(|(_, at)| at);
            marks.forgotten = marks.forgotten.max(forgotten);
        }
        self.newest.fetch_max(self.nanos(at), Ordering::AcqRel);
    }

    /// There is something new in a repository: of the modules whose paths begin as it is called, and of those that were
    /// found in it lately. Which patterns these are.
    pub fn repository(&self, place: &RepositoryPlace) -> PatternList {
        let found = self.sources.as_ref().map(|sources| sources.modules_at(place));
        let found = found.unwrap_or_default();
        let names = found.iter().map(ModulePath::as_str);
        let names: Vec<_> = [place.as_str()].into_iter().chain(names).collect();
        let modules = PatternList::parse(&names.join(","));
        self.modules(modules.clone());
        modules
    }

    /// Whether there has been something new of a module since its source was asked.
    pub fn is_old(&self, module: &ModulePath, asked: Instant) -> bool {
        self.after(module.as_str(), asked).is_some()
    }

    /// When there was something new of a module, if that is after `known`.
    pub(crate) fn after(&self, module: &str, known: Instant) -> Option<Instant> {
        // A mark of the same moment is taken for a later one.
        if self.newest.load(Ordering::Acquire) < self.nanos(known).max(1) {
            return None;
        }
        self.latest(module).filter(|at| *at >= known)
    }

    /// The last time that there was something new of a module.
    pub(crate) fn latest(&self, module: &str) -> Option<Instant> {
        if self.newest.load(Ordering::Acquire) == 0 {
            return None;
        }
        let marks = self.marks.lock();
        let newest_first = marks.marks.iter().rev();
        let found = newest_first
            .filter(|(modules, _)| modules.matches(module))
            .map(|(_, at)| *at)
            .next();
        found.or(marks.forgotten)
    }

    fn nanos(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.started).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Refreshes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marks = self.marks.lock().marks.len();
        f.debug_struct("Refreshes")
            .field("marks", &marks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_mark_is_of_its_modules_and_of_what_was_known_before() {
        let refreshes = Refreshes::new(None);
        let before = Instant::now();
        assert_eq!(refreshes.after("a.example/m", before), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        refreshes.modules(PatternList::parse("a.example/m"));
        let at = Instant::now();
        for (module, known, want) in [
            ("a.example/m", before, Some(at)),
            ("a.example/m/sub", before, Some(at)),
            ("a.example/m", at, Some(at)),
            ("a.example/m", at + Duration::from_nanos(1), None),
            ("a.example/mm", before, None),
            ("b.example", before, None),
        ] {
            assert_eq!(refreshes.after(module, known), want, "{module}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_of_another_node_counts_from_its_own_time() {
        let refreshes = Refreshes::new(None);
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        tokio::time::advance(Duration::from_secs(10)).await;
        let (one, other) = (
            PatternList::parse("a.example"),
            "a.example/m".parse().expect("a path"),
        );
        refreshes.heard_of(&other, second(4));
        refreshes.heard_of(&other, second(3));
        assert_eq!(refreshes.latest("a.example/m"), Some(second(4)));
        // A later mark of more modules is the latest, whichever was heard last.
        refreshes.heard(one);
        tokio::time::advance(Duration::from_secs(10)).await;
        refreshes.heard_of(&other, second(9));
        assert_eq!(refreshes.latest("a.example/m"), Some(second(10)));
        refreshes.heard_of(&other, second(12));
        assert_eq!(refreshes.latest("a.example/m"), Some(second(12)));
        assert_eq!(refreshes.latest("a.example/n"), Some(second(10)));
        // Nothing is newer than now.
        refreshes.heard_of(&other, second(99));
        assert_eq!(refreshes.latest("a.example/m"), Some(second(20)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_kept_any_more_counts_for_all() {
        let refreshes = Refreshes::new(None);
        let before = Instant::now();
        for n in 0..=MARKS {
            tokio::time::advance(Duration::from_secs(1)).await;
            refreshes.modules(PatternList::parse(&format!("a.example/m{n}")));
        }
        let first = before + Duration::from_secs(1);
        assert_eq!(refreshes.after("b.example", before), Some(first));
        assert_eq!(refreshes.after("b.example", first + Duration::from_secs(1)), None);
        let last = before + Duration::from_secs(MARKS as u64 + 1);
        let module = format!("a.example/m{MARKS}");
        assert_eq!(refreshes.after(&module, before), Some(last));
        // The same modules again take no more room.
        for _ in 0..2 * MARKS {
            refreshes.modules(PatternList::parse("a.example/m9"));
        }
        assert_eq!(refreshes.marks.lock().marks.len(), MARKS);
    }
}
