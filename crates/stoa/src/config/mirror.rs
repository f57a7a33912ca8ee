//! `[[mirror]]`.

use std::{collections::BTreeSet, num::NonZeroUsize, time::Duration};

use stoa_config::{
    Key, Occurrence, Reader, Repeated, Section, Table,
    values::{bound, duration},
};
use stoa_proxy::{MirrorSpec, MirrorVersions};

const NAME: Key = Key::required("name", "what it is called");
const MODULES: Key = Key::required(
    "modules",
    "module paths; globs, as in GOPRIVATE, select from what is stored",
)
.list();
const VERSIONS: Key = Key::new(
    "versions",
    "latest",
    "which versions: latest, releases (no pre-releases), all",
);
const LIMIT: Key = Key::new(
    "limit",
    "",
    "of a list, only so many of the highest versions; default: all",
);
const EVERY: Key = Key::new("every", "6h", "how long after its end it begins again");

const TABLE: Table = Table::repeated(
    "mirror",
    Repeated {
        noun: "a mirror",
        help: "modules whose versions are brought in before anybody asks for them",
        sample: &[
            (NAME, "tools"),
            (MODULES, "golang.org/x/tools,corp.example/*"),
            (VERSIONS, "releases"),
            (EVERY, "6h"),
        ],
    },
    &[NAME, MODULES, VERSIONS, LIMIT, EVERY],
);

/// Sources are not asked more often.
const SHORTEST: Duration = Duration::from_secs(60);

/// What is held without being asked for.
#[derive(Clone, Debug)]
pub(crate) struct MirrorsConfig {
    pub(crate) mirrors: Vec<MirrorSpec>,
}

impl Section for MirrorsConfig {
    const TABLES: &'static [Table] = &[TABLE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mirrors = reader.each(&TABLE, mirror)?;
        let mut names = BTreeSet::new();
        let twice = mirrors.iter().find(|mirror| !names.insert(mirror.name.as_str()));
        if let Some(mirror) = twice {
            reader.fault(format!(
                "mirror.name: {:?} is the name of two mirrors",
                mirror.name
            ));
            return None;
        }
        Some(Self { mirrors })
    }
}

fn mirror(mirror: &mut Occurrence<'_, '_>) -> Option<MirrorSpec> {
    let name = mirror.value(&NAME, name);
    let modules = mirror.value_shown(&MODULES, modules, |modules, _| modules.join(","));
    let versions = mirror.value(&VERSIONS, versions);
    let limit = mirror.value(&LIMIT, limit);
    let every = mirror.value(&EVERY, every);
    Some(MirrorSpec {
        name: name?,
        modules: modules?,
        versions: versions?,
        limit: limit?,
        every_ms: Some(u64::try_from(every?.as_millis()).unwrap_or(u64::MAX)),
    })
}

fn name(text: &str) -> Result<String, &'static str> {
    let is_name = !text.trim().is_empty() && text.len() <= 100 && !text.contains(char::is_control);
    is_name
        .then(|| text.to_owned())
        .ok_or("a name has 1 to 100 characters that show")
}

fn modules(text: &str) -> Result<Vec<String>, String> {
    let modules = text.split(',').map(str::trim).filter(|module| !module.is_empty());
    let spec = MirrorSpec {
        name: String::new(),
        modules: modules.map(str::to_owned).collect(),
        versions: MirrorVersions::default(),
        limit: None,
        every_ms: None,
    };
    spec.check().map(|()| spec.modules)
}

fn versions(text: &str) -> Result<MirrorVersions, String> {
    match text {
        "latest" => Ok(MirrorVersions::Latest),
        "releases" => Ok(MirrorVersions::Releases),
        "all" => Ok(MirrorVersions::All),
        _ => Err(format!(
            "{text:?} names no versions: write latest, releases or all"
        )),
    }
}

fn limit(text: &str) -> Result<Option<NonZeroUsize>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    bound(text).map(NonZeroUsize::new)
}

fn every(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    if every < SHORTEST {
        return Err(format!(
            "{text} is too often for the sources; write {SHORTEST:?} or more"
        ));
    }
    Ok(every)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::lab::config;

    #[test]
    fn a_mirror_has_sensible_defaults() {
        let text = "[[mirror]]\nname = \"tools\"\nmodules = [\"a.example/x\", \"b.example/*\"]\n";
        let read = config(text).expect("good").mirrors.mirrors;
        let want = MirrorSpec {
            name: "tools".to_owned(),
            modules: vec!["a.example/x".to_owned(), "b.example/*".to_owned()],
            versions: MirrorVersions::Latest,
            limit: None,
            every_ms: Some(6 * 3_600_000),
        };
        assert_eq!(read, [want]);
        let error = config(&text.repeat(2)).expect_err("twice").to_string();
        assert!(error.contains("\"tools\" is the name of two mirrors"), "{error}");
        for (line, want) in [
            ("every = \"59s\"", "too often"),
            ("versions = \"new\"", "write latest, releases or all"),
            ("limit = 0", "bad number"),
        ] {
            let error = config(&format!("{text}{line}\n")).expect_err(line).to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
