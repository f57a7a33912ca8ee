//! What `MODULE@QUERY` means.

use stoa_fetch::Resource;
use stoa_module::{ModulePath, Query, Version};
use stoa_proxy::{AnswerBody, Protocol, VersionList, parse_info};

/// A module and what is wanted of it, as the go command reads `MODULE@QUERY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) path: ModulePath,
    pub(super) query: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// `latest`, or nothing.
    Latest,
    /// `v1`, `v1.2`: the newest version that begins so.
    Prefix(String),
    /// `<v1.5.0`, `<=`, `>`, `>=`: the version closest to the bound.
    Compare(Operator, Version),
    /// A version, a branch, a hash.
    Exact(Query),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longer operators first, since the shorter ones are their beginnings.
const OPERATORS: [(&str, Operator); 4] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Wanted {
    pub(super) fn parse(argument: &str) -> Result<Self, String> {
        let (path, query) = argument.split_once('@').unwrap_or((argument, "latest"));
        let path = ModulePath::parse(path).map_err(|error| error.to_string())?;
        let kind = Self::kind(&path, query)?;
        Ok(Self {
            path,
            query: query.to_owned(),
            kind,
        })
    }

    fn kind(path: &ModulePath, query: &str) -> Result<Kind, String> {
        if query == "latest" {
            return Ok(Kind::Latest);
        }
        if let Some((text, operator)) = OPERATORS.iter().find(|(text, _)| query.starts_with(text)) {
            let bound = Version::parse(&query[text.len()..]).map_err(|error| error.to_string())?;
            return Ok(Kind::Compare(*operator, bound));
        }
        let dots = query.matches('.').count();
        let numbers = |text: &str| {
            text.split('.')
                .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        };
        if dots < 2 && query.strip_prefix('v').is_some_and(numbers) {
            return Ok(Kind::Prefix(format!("{query}.")));
        }
        Query::parse(path, query)
            .map(Kind::Exact)
            .map_err(|error| error.to_string())
    }

    /// The question whose answer is the `.info` of what is wanted.
    pub(super) async fn resolve(&self, protocol: &dyn Protocol) -> Result<Resource, String> {
        let list = match &self.kind {
            Kind::Exact(query) => {
                return Resource::info(self.path.clone(), query.clone()).map_err(|error| error.to_string());
            }
            _ => self.list(protocol).await?,
        };
        let found = match &self.kind {
            Kind::Latest | Kind::Exact(_) => newest(&list, |_| true),
            Kind::Prefix(prefix) => newest(&list, |version| version.as_str().starts_with(prefix.as_str())),
            Kind::Compare(Operator::Less, bound) => newest(&list, |version| version < bound),
            Kind::Compare(Operator::LessOrEqual, bound) => newest(&list, |version| version <= bound),
            Kind::Compare(Operator::Greater, bound) => oldest(&list, |version| version > bound),
            Kind::Compare(Operator::GreaterOrEqual, bound) => oldest(&list, |version| version >= bound),
        };
        let version = match (found, &self.kind) {
            (Some(version), _) => version,
            (None, Kind::Latest) => return self.latest(protocol).await,
            (None, _) => return Err(format!("no matching versions for query {:?}", self.query)),
        };
        Resource::info(self.path.clone(), Query::Version(version)).map_err(|error| error.to_string())
    }

    async fn list(&self, protocol: &dyn Protocol) -> Result<VersionList, String> {
        let answer = protocol
            .get(&Resource::List(self.path.clone()))
            .await
            .map_err(|error| error.to_string())?;
        match &answer.body {
            AnswerBody::Bytes(text) => Ok(VersionList::parse(&self.path, text)),
            _ => Err("a version list that is not in memory".to_owned()),
        }
    }

    /// Only modules without usable tags come here.
    async fn latest(&self, protocol: &dyn Protocol) -> Result<Resource, String> {
        let answer = protocol
            .get(&Resource::Latest(self.path.clone()))
            .await
            .map_err(|error| error.to_string())?;
        let AnswerBody::Bytes(json) = &answer.body else {
            return Err("an @latest that is not in memory".to_owned());
        };
        parse_info(&self.path, json).map(|info| Resource::Info(info.target))
    }
}

/// The highest release, else the highest prerelease; compatible before `+incompatible`.
fn newest(list: &VersionList, allowed: impl Fn(&Version) -> bool) -> Option<Version> {
    let rank = |version: &Version| (!version.is_prerelease(), !version.is_incompatible());
    list.iter()
        .filter(|version| allowed(version))
        .max_by_key(|version| (rank(version), *version))
        .cloned()
}

/// The lowest release, else the lowest prerelease.
fn oldest(list: &VersionList, allowed: impl Fn(&Version) -> bool) -> Option<Version> {
    list.iter()
        .filter(|version| allowed(version))
        .min_by_key(|version| (version.is_prerelease(), *version))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_the_go_command_reads_them() {
        let kind = |argument: &str| Wanted::parse(argument).map(|wanted| wanted.kind);
        assert_eq!(kind("example.com/a"), Ok(Kind::Latest));
        assert_eq!(kind("example.com/a@v1"), Ok(Kind::Prefix("v1.".to_owned())));
        let bound = Version::parse("v1.5.0").expect("version");
        assert_eq!(
            kind("example.com/a@<=v1.5.0"),
            Ok(Kind::Compare(Operator::LessOrEqual, bound))
        );
        assert!(matches!(
            kind("example.com/a@v1.2.3"),
            Ok(Kind::Exact(Query::Version(_)))
        ));
        assert!(matches!(
            kind("example.com/a@main"),
            Ok(Kind::Exact(Query::Revision(_)))
        ));
        assert!(kind("example.com/a@>main").is_err());
        assert!(kind("not a path@v1").is_err());
    }

    #[test]
    fn the_newest_is_a_release_if_there_is_one() {
        let path = ModulePath::parse("example.com/a").expect("path");
        let list = VersionList::parse(&path, b"v1.0.0\nv1.1.0\nv1.2.0-rc.1\nv2.0.0+incompatible\n");
        assert_eq!(newest(&list, |_| true).expect("one").as_str(), "v1.1.0");
        assert_eq!(
            newest(&list, |v| v.as_str() > "v1.1").expect("one").as_str(),
            "v1.1.0"
        );
        let bound = Version::parse("v1.1.0").expect("version");
        assert_eq!(
            oldest(&list, |v| *v > bound).expect("one").as_str(),
            "v2.0.0+incompatible"
        );
    }
}
