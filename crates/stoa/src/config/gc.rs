//! `[gc]`.

use std::time::Duration;

use stoa_config::{
    Key, Reader, Section, Table,
    values::{ByteSize, boolean, duration},
};
use stoa_proxy::{GcRules, KeepList};

const QUOTA: Key = Key::new(
    "quota",
    "",
    "how many bytes modules may take: 50GiB; what was used the longest time ago goes first; default: no bound",
);
const MAX_AGE: Key = Key::new(
    "max_age",
    "",
    "how long after its last use a version goes, whatever room there is: 180d; default: never",
);
const MIN_AGE: Key = Key::new(
    "min_age",
    "1h",
    "what was used within this time stays, even above the quota",
);
const KEEP: Key = Key::new(
    "keep",
    "",
    "what always stays: module paths or globs, as in GOPRIVATE, and MODULE@VERSION for one version",
)
.list();
const KEEP_PRIVATE: Key = Key::new(
    "keep_private",
    "true",
    "whether modules that vcs.private names always stay",
);
const KEEP_GONE: Key = Key::new(
    "keep_gone",
    "true",
    "whether what upstream does not have any more always stays; upstream is asked before a version goes, and without an answer it stays",
);
const EVERY: Key = Key::new(
    "every",
    "1h",
    "how often it is looked whether something has to go",
);
const DRY_RUN: Key = Key::new(
    "dry_run",
    "false",
    "true: nothing goes, and the log says what would",
);

const TABLE: Table = Table::once(
    "gc",
    &[
        QUOTA,
        MAX_AGE,
        MIN_AGE,
        KEEP,
        KEEP_PRIVATE,
        KEEP_GONE,
        EVERY,
        DRY_RUN,
    ],
);

/// The storage is not looked through more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// What goes to make room, and when.
#[derive(Clone, Debug)]
pub(crate) struct GcConfig {
    pub(crate) quota: Option<u64>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) min_age: Duration,
    pub(crate) keep: KeepList,
    pub(crate) keep_private: bool,
    pub(crate) keep_gone: bool,
    pub(crate) every: Duration,
    pub(crate) dry_run: bool,
}

impl GcConfig {
    /// The rules, with what is private.
    pub(crate) fn rules(&self, private: &stoa_module::PatternList) -> GcRules {
        GcRules {
            quota: self.quota,
            max_age: self.max_age,
            min_age: self.min_age,
            keep: self.keep.clone(),
            private: if self.keep_private {
                private.clone()
            } else {
                stoa_module::PatternList::default()
            },
            keep_gone: self.keep_gone,
        }
    }
}

impl Section for GcConfig {
    const TABLES: &'static [Table] = &[TABLE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.once(&TABLE);
        let quota = table.value(&QUOTA, |text| match text {
            "" => Ok(None),
            text => text.parse().map(|ByteSize(bytes)| Some(bytes)),
        });
        let max_age = table.value(&MAX_AGE, |text| match text {
            "" => Ok(None),
            text => duration(text).map(Some),
        });
        let min_age = table.value(&MIN_AGE, duration);
        let keep = table.value(&KEEP, str::parse::<KeepList>);
        let keep_private = table.value(&KEEP_PRIVATE, boolean);
        let keep_gone = table.value(&KEEP_GONE, boolean);
        let every = table.value(&EVERY, |text| match duration(text)? {
            every if every < SHORTEST => Err(format!("{text} is too often; write {SHORTEST:?} or more")),
            every => Ok(every),
        });
        let dry_run = table.value(&DRY_RUN, boolean);
        Some(Self {
            quota: quota?,
            max_age: max_age?,
            min_age: min_age?,
            keep: keep?,
            keep_private: keep_private?,
            keep_gone: keep_gone?,
            every: every?,
            dry_run: dry_run?,
        })
    }
}
