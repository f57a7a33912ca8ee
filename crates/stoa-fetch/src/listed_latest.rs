//! `@latest` of a proxy that does not have it.

use stoa_module::{
    ModulePath, PseudoVersion, Query, Resource, Rfc3339, Timestamp, is_pseudo_version, semver,
};

use crate::{FetchError, Fetched, Fetcher, Question, whole_answer::whole_answer};

/// What a proxy answers to a question, and to `@latest`, if it has no such file, what the go command makes of its list
/// then (`proxyRepo.latestFromList`): the newest of what has a time, which is that of the line, else that of a
/// pseudo-version.
///
/// It is done here, where the list still is as the proxy sent it: lists that are passed on have neither pseudo-versions
/// nor times, and only whole versions, so that the client could not do it. A module cache that serves as a proxy has no `@latest`.
///
/// # Errors
///
/// Those of the proxy. Without a list, or with nothing in it, it is that there is no `@latest`.
pub(crate) async fn or_of_list(
    proxy: &dyn Fetcher,
    question: &Question,
    answer: Result<Fetched, FetchError>,
) -> Result<Fetched, FetchError> {
    let (path, missing) = match (&question.resource, answer) {
        (Resource::Latest(path), Err(error)) if error.is_not_found() => (path, error),
        (_, answer) => return answer,
    };
    let list = match proxy.fetch(&question.about(Resource::List(path.clone()))).await {
        Ok(list) => list,
        Err(error) if error.is_not_found() => return Err(missing),
        Err(error) => return Err(error),
    };
    let source_name = list.source_name.clone();
    let list = list.bytes().await?;
    let list = String::from_utf8_lossy(&list);
    let Some(version) = newest(&list).or_else(|| left_out(path, &list)) else {
        return Err(missing);
    };
    tracing::debug!(module = %path, version, "there is no @latest; this is the newest of the list");
    let resource = info_of(path, version).map_err(|reason| FetchError::invalid(&source_name, reason))?;
    let question = question.about(resource);
    let fetched = proxy.fetch(&question).await?;
    whole_answer(&question, fetched).await
}

fn info_of(path: &ModulePath, version: &str) -> Result<Resource, String> {
    let query = Query::parse(path, version).map_err(|error| error.to_string())?;
    Resource::info(path.clone(), query).map_err(|error| error.to_string())
}

/// The version with the latest time, the first of those that have the same; one without a time is none.
fn newest(list: &str) -> Option<&str> {
    // As in Go, where the first one has to be later than the zero time.
    let (mut latest, mut newest) = ((Timestamp::GO_ZERO.unix(), 0), None);
    for line in list.split('\n') {
        let mut fields = line.split_whitespace();
        let Some(version) = fields.next().filter(|version| semver::is_valid(version)) else {
            continue;
        };
        let time = match fields.next() {
            Some(time) => Rfc3339::parse(time.as_bytes()).map(|time| (time.unix(), time.subsec_nanos())),
            None => PseudoVersion::parse(version)
                .and_then(|pseudo| pseudo.time())
                .ok()
                .map(|time| (time.unix(), 0)),
        };
        if let Some(time) = time
            && latest < time
        {
            (latest, newest) = (time, Some(version));
        }
    }
    newest
}

/// The highest release, else the highest prerelease, of a list in which no version is whole, as in `v1.2`: the client, who
/// sees none of them, would have chosen it.
fn left_out<'a>(path: &ModulePath, list: &'a str) -> Option<&'a str> {
    let major = path.split().1;
    let firsts = list.split('\n').filter_map(|line| line.split_whitespace().next());
    let is_shown = |version: &&str| semver::is_valid(version) && !is_pseudo_version(version);
    let mut shown: Vec<_> = firsts.filter(is_shown).collect();
    if shown.iter().any(|version| major.may_list(version)) {
        return None;
    }
    shown.retain(|version| major.check(version).is_ok());
    let of_kind = |is_release| {
        let of_kind = shown
            .iter()
            .filter(|version| semver::prerelease(version).is_empty() == is_release);
        of_kind.max_by(|one, other| semver::compare_total(one, other))
    };
    of_kind(true).or_else(|| of_kind(false)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_shorthands_alone_names_the_highest() {
        let path = ModulePath::parse("example.com/a").expect("a path");
        for (list, want) in [
            ("v1.2\nv1.10\nv1.9\n", Some("v1.10")),
            ("v1.2.0+meta\n", Some("v1.2.0+meta")),
            ("v1.2.0-rc.1+meta\nv1\n", Some("v1")),
            ("v1.2.0-rc.1+meta\n", Some("v1.2.0-rc.1+meta")),
            ("v2\nv2.0.0\n", None),
            ("v1.2\nv1.0.0\n", None),
            ("nonsense\n", None),
        ] {
            assert_eq!(left_out(&path, list), want, "{list}");
        }
    }

    #[test]
    fn the_newest_is_found_as_the_go_command_finds_it() {
        const OLD: &str = "v0.0.0-20230102030405-aaaaaaaaaaaa";
        const NEW: &str = "v0.0.0-20240102030405-bbbbbbbbbbbb";
        for (list, want) in [
            (format!("{NEW}\n{OLD}\n"), Some(NEW)),
            (format!("{OLD}\r\n\r\n{NEW}\r\n"), Some(NEW)),
            // The time of the line counts, whatever the version says.
            (format!("{OLD} 2025-01-02T03:04:05Z\n{NEW}\n"), Some(OLD)),
            (format!("{OLD} yesterday\n"), None),
            (
                format!("{OLD} yesterday\n{NEW} 2020-01-02T03:04:05Z x\n"),
                Some(NEW),
            ),
            ("v1.0.0\n".to_owned(), None),
            ("v1.0.0 2024-01-02T03:04:05Z\n".to_owned(), Some("v1.0.0")),
            ("v1.0.0 0001-01-01T00:00:00Z\n".to_owned(), None),
            ("v1.0.0 0000-01-01T00:00:00Z\n".to_owned(), None),
            (
                "v1.0.0 2024-01-02T03:04:05.1Z\nv1.1.0 2024-01-02T04:04:05.2+01:00\n".to_owned(),
                Some("v1.1.0"),
            ),
            // Of the same time the first.
            (
                "v1.0.0 2024-01-02T03:04:05Z\nv1.1.0 2024-01-02T03:04:05Z\n".to_owned(),
                Some("v1.0.0"),
            ),
            (
                format!("nonsense 2025-01-02T03:04:05Z\n\u{fffd}\n{OLD}"),
                Some(OLD),
            ),
            ("v0.0.0-20239902030405-aaaaaaaaaaaa\n".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(newest(&list), want, "{list}");
        }
    }
}
