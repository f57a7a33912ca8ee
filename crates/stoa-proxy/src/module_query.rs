//! What `MODULE@QUERY` means.

use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_fetch::{Context, Question};
use stoa_module::{ModulePath, ModuleVersion, Query, Resource, Version, modfile::Retract};

use crate::{
    Protocol, ProxyError, QueryError, VersionList,
    choose::{GoMods, Wish, choose, is_own_go_mod, retractions_of},
    parse_info,
    selection::Selection,
    small_file::small_file,
};

/// A module and what is wanted of it, as the go command reads `MODULE@QUERY` (`cmd/go/internal/modload/query.go`).
///
/// ```
/// let query: stoa_proxy::ModuleQuery = "example.com/a@v1".parse().unwrap();
/// assert_eq!((query.path().as_str(), query.text()), ("example.com/a", "v1"));
/// assert!("example.com/a@>main".parse::<stoa_proxy::ModuleQuery>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleQuery {
    path: ModulePath,
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A version, a branch, a hash.
    Exact(Query),
    /// One of the listed versions.
    Listed(Selection),
}

/// What a query was resolved to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The question whose answer is the `.info` of what is wanted.
    pub resource: Resource,
    /// How many versions it was chosen from; `None` for a query that needs no list.
    pub listed: Option<usize>,
}

impl ModuleQuery {
    /// The module path.
    pub fn path(&self) -> &ModulePath {
        &self.path
    }

    /// The query as it was written; `latest` where there was none.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The version, if the query is one.
    pub fn version(&self) -> Option<&Version> {
        match &self.kind {
            Kind::Exact(Query::Version(version)) => Some(version),
            _ => None,
        }
    }

    /// Whether it names one version or revision, rather than one out of a list.
    pub fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact(_))
    }

    /// Finds out what the query means today, by questions to `protocol` in this context.
    ///
    /// # Errors
    /// [`QueryError::NoMatch`] if no version matches; else what kept it from being found out.
    pub async fn resolve(&self, protocol: &dyn Protocol, context: &Context) -> Result<Resolved, QueryError> {
        let selection = match &self.kind {
            Kind::Exact(query) => {
                let resource = Resource::info(self.path.clone(), query.clone())?;
                let listed = None;
                return Ok(Resolved { resource, listed });
            }
            Kind::Listed(selection) => selection,
        };
        let list = small_file(
            protocol,
            &Question::new(Resource::List(self.path.clone()), context.clone()),
        )
        .await?;
        let list = VersionList::parse(&self.path, &list);
        let listed: Vec<Version> = list.iter().cloned().collect();
        let go_mods = AskedGoMods {
            protocol,
            context,
            path: &self.path,
        };
        let wish = Wish {
            matches: &|version| selection.matches(version),
            pick: selection.pick(),
            incompatible: selection.is_of_another_major(&self.path),
        };
        let resource = match choose(&go_mods, &listed, &listed, &wish).await? {
            Some(version) => Resource::info(self.path.clone(), Query::Version(version))?,
            None if *selection == Selection::Latest => self.latest(protocol, context).await?,
            None => {
                let query = self.text.clone();
                return Err(QueryError::NoMatch { query });
            }
        };
        Ok(Resolved {
            resource,
            listed: Some(listed.len()),
        })
    }

    /// Only modules without usable tags come here.
    async fn latest(&self, protocol: &dyn Protocol, context: &Context) -> Result<Resource, QueryError> {
        let json = small_file(
            protocol,
            &Question::new(Resource::Latest(self.path.clone()), context.clone()),
        )
        .await?;
        let info = parse_info(&self.path, &json).map_err(QueryError::Info)?;
        Ok(Resource::Info(info.target))
    }
}

/// Reads `MODULE@QUERY`, or `MODULE` alone for `latest`.
impl FromStr for ModuleQuery {
    type Err = QueryError;

    fn from_str(argument: &str) -> Result<Self, QueryError> {
        let (path, text) = argument.split_once('@').unwrap_or((argument, "latest"));
        let path = ModulePath::parse(path)?;
        let kind = match Selection::parse(text)? {
            Some(selection) => Kind::Listed(selection),
            None => Kind::Exact(Query::parse(&path, text)?),
        };
        Ok(Self {
            path,
            text: text.to_owned(),
            kind,
        })
    }
}

/// The go.mod files of a module, asked for as a client asks for them.
struct AskedGoMods<'a> {
    protocol: &'a dyn Protocol,
    context: &'a Context,
    path: &'a ModulePath,
}

impl AskedGoMods<'_> {
    async fn go_mod(&self, version: &Version) -> Result<Bytes, ProxyError> {
        let target = ModuleVersion::new(self.path.clone(), version.clone());
        // A list has only versions that are possible for the path.
        let target = target.map_err(|error| ProxyError::internal(error.to_string()))?;
        small_file(
            self.protocol,
            &Question::new(Resource::Mod(target), self.context.clone()),
        )
        .await
    }
}

#[async_trait]
impl GoMods for AskedGoMods<'_> {
    /// A go.mod that cannot be had retracts nothing: whether the version itself can be had is found out later.
    async fn retractions(&self, version: &Version) -> Result<Vec<Retract>, ProxyError> {
        let go_mod = self.go_mod(version).await.ok();
        Ok(go_mod.map(|text| retractions_of(&text)).unwrap_or_default())
    }

    async fn has_go_mod(&self, version: &Version) -> Result<bool, ProxyError> {
        Ok(is_own_go_mod(self.path, &self.go_mod(version).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_the_go_command_reads_them() {
        let kind = |argument: &str| argument.parse::<ModuleQuery>().map(|query| query.kind);
        assert!(matches!(
            kind("example.com/a"),
            Ok(Kind::Listed(Selection::Latest))
        ));
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
