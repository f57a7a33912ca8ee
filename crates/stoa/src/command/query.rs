//! What `MODULE@QUERY` means.

mod select;

use stoa_module::{ModulePath, Query, Resource, Version};
use stoa_proxy::{Protocol, VersionList, parse_info};

use self::select::Selection;
use super::download::small;

/// A module and what is wanted of it, as the go command reads `MODULE@QUERY` (`cmd/go/internal/modload/query.go`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) path: ModulePath,
    pub(super) query: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A version, a branch, a hash.
    Exact(Query),
    /// One of the listed versions.
    Listed(Selection),
}

impl Wanted {
    pub(super) fn parse(argument: &str) -> Result<Self, String> {
        let (path, query) = argument.split_once('@').unwrap_or((argument, "latest"));
        let path = ModulePath::parse(path).map_err(|error| error.to_string())?;
        let kind = match Selection::parse(query)? {
            Some(selection) => Kind::Listed(selection),
            None => Kind::Exact(Query::parse(&path, query).map_err(|error| error.to_string())?),
        };
        Ok(Self {
            path,
            query: query.to_owned(),
            kind,
        })
    }

    /// The version, if the query is one.
    pub(super) fn version(&self) -> Option<&Version> {
        match &self.kind {
            Kind::Exact(Query::Version(version)) => Some(version),
            _ => None,
        }
    }

    /// Whether it names one version or revision, rather than one out of a list.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact(_))
    }

    /// The question whose answer is the `.info` of what is wanted.
    pub(super) async fn resolve(&self, protocol: &dyn Protocol) -> Result<Resource, String> {
        let selection = match &self.kind {
            Kind::Exact(query) => {
                return Resource::info(self.path.clone(), query.clone()).map_err(|error| error.to_string());
            }
            Kind::Listed(selection) => selection,
        };
        let list = small(protocol, &Resource::List(self.path.clone())).await?;
        let list = VersionList::parse(&self.path, &list);
        match selection.pick(protocol, &self.path, &list).await? {
            Some(version) => {
                Resource::info(self.path.clone(), Query::Version(version)).map_err(|error| error.to_string())
            }
            None if *selection == Selection::Latest => self.latest(protocol).await,
            None => Err(format!("no matching versions for query {:?}", self.query)),
        }
    }

    /// Only modules without usable tags come here.
    async fn latest(&self, protocol: &dyn Protocol) -> Result<Resource, String> {
        let json = small(protocol, &Resource::Latest(self.path.clone())).await?;
        parse_info(&self.path, &json).map(|info| Resource::Info(info.target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_the_go_command_reads_them() {
        let kind = |argument: &str| Wanted::parse(argument).map(|wanted| wanted.kind);
        assert_eq!(kind("example.com/a"), Ok(Kind::Listed(Selection::Latest)));
        assert!(matches!(kind("example.com/a@v1"), Ok(Kind::Listed(_))));
        assert!(matches!(kind("example.com/a@<=v1.5.0"), Ok(Kind::Listed(_))));
        assert!(matches!(
            kind("example.com/a@v1.2.3"),
            Ok(Kind::Exact(Query::Version(_)))
        ));
        assert!(matches!(
            kind("example.com/a@main"),
            Ok(Kind::Exact(Query::Revision(_)))
        ));
        assert!(kind("example.com/a@>main").is_err());
        assert!(kind("example.com/a@>v1").is_err(), "v1 might mean v1.9.0");
        assert!(kind("not a path@v1").is_err());
    }
}
