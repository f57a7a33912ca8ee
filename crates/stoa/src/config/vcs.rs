//! `[vcs]`, `[[vcs.module]]`, `[[rewrite]]` and `[[credential]]`.

use std::{convert::Infallible, io, path::PathBuf, sync::Arc};

use stoa_fetch::{
    OutboundRules, SettingError,
    discovery::{Govcs, Mapping, Mappings, VcsPolicy},
    outbound::{Rewrite, Rewrites, UrlGuard},
};
use stoa_module::PatternList;

use super::{
    credential::{CredentialsConfig, credential},
    netrc::Netrc,
    resolve::Reader,
    table::{Table, tables},
    values::{ByteSize, boolean},
};

/// How modules are fetched from their repositories.
#[derive(Clone, Debug)]
pub(crate) struct VcsConfig {
    /// GOVCS, GOPRIVATE and GOINSECURE.
    pub(crate) policy: VcsPolicy,
    /// GOPRIVATE: modules that no upstream of the default list is asked for.
    pub(crate) private: PatternList,
    /// Where repositories are kept.
    pub(crate) cache: Option<PathBuf>,
    /// How much they may take, in bytes.
    pub(crate) cache_size: u64,
    /// Whether discovery and redirects may reach loopback and private addresses.
    pub(crate) allow_private_addresses: bool,
    pub(crate) mappings: Mappings,
    pub(crate) rewrites: Rewrites,
    pub(crate) credentials: CredentialsConfig,
}

impl VcsConfig {
    /// What every outbound URL is held to. The places that mappings and rewrites lead to may be private.
    pub(crate) fn rules(&self) -> OutboundRules {
        let mut guard =
            UrlGuard::new(self.allow_private_addresses).with_setting("vcs.allow_private_addresses");
        let targets = self.mappings.targets().chain(self.rewrites.targets());
        targets.for_each(|url| guard.name(url));
        OutboundRules {
            rewrites: self.rewrites.clone(),
            guard,
            credentials: Some(Arc::new(self.credentials.clone())),
        }
    }
}

/// Reads everything. `None` only together with a fault.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<VcsConfig> {
    let list = |text: &str| Ok::<_, Infallible>(PatternList::parse(text));
    let allow = reader.value("vcs.allow", |text| match text {
        "" => Ok(Govcs::default()),
        text => text.parse(),
    });
    let (private, insecure) = (
        reader.value("vcs.private", list),
        reader.value("vcs.insecure", list),
    );
    let cache = cache(reader);
    let cache_size = reader.value("vcs.cache_size", str::parse::<ByteSize>);
    let allow_private_addresses = reader.value("vcs.allow_private_addresses", boolean);
    let netrc = netrc(reader);
    let modules = tables(reader, "vcs.module", module);
    let rewrites = tables(reader, "rewrite", rewrite);
    let variables = reader.variables().clone();
    let credentials = tables(reader, "credential", |table| credential(table, &variables));
    let mappings = whole(reader, "vcs.module", Mappings::new(modules?));
    let rewrites = whole(reader, "rewrite", Rewrites::new(rewrites?));
    Some(VcsConfig {
        policy: VcsPolicy::new(allow?, private.clone()?, insecure?),
        private: private?,
        cache,
        cache_size: cache_size?.0,
        allow_private_addresses: allow_private_addresses?,
        mappings: mappings?,
        rewrites: rewrites?,
        credentials: CredentialsConfig {
            by_prefix: credentials?,
            netrc: netrc?,
        },
    })
}

/// The directory of repositories; beside the modules' default one if none is named. Without a home there is none, which
/// matters only to who fetches from repositories.
fn cache(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let home = reader.data_home();
    let cache = reader.value("vcs.cache", |text| {
        Ok::<_, Infallible>(match (text, home) {
            ("", home) => home.map(|home| home.join("stoa-vcs")),
            (text, _) => Some(PathBuf::from(text)),
        })
    });
    cache.flatten()
}

/// What the netrc file says. Where none is named, the usual one is read if it can be.
fn netrc(reader: &mut Reader<'_>) -> Option<Netrc> {
    let usual = reader.variables().netrc();
    reader.value("vcs.netrc", |text| match (text, usual) {
        ("none", _) | ("", None) => Ok(Netrc::default()),
        ("", Some(usual)) => Netrc::read(&usual).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Ok(Netrc::default()),
            _ => Err(format!("{}: {error}", usual.display())),
        }),
        (path, _) => Netrc::read(path.as_ref()).map_err(|error| format!("{path}: {error}")),
    })
}

/// What only shows when all tables of a name are put together.
fn whole<T>(reader: &mut Reader<'_>, name: &str, value: Result<T, SettingError>) -> Option<T> {
    value
        .map_err(|error| reader.fault(format!("{name}: {error}")))
        .ok()
}

fn module(table: &mut Table) -> Option<Mapping> {
    let (prefix, vcs, repo) = (
        table.required("prefix"),
        table.required("vcs"),
        table.required("repo"),
    );
    let subdir = table.text("subdir");
    table.checked(Mapping::new(&prefix, &vcs, &repo, &subdir))
}

fn rewrite(table: &mut Table) -> Option<Rewrite> {
    let (from, to) = (table.required("from"), table.required("to"));
    table.checked(Rewrite::new(&from, &to))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::config::{Faults, Given, load};

    fn vcs(toml: &str) -> Result<VcsConfig, Faults> {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        write!(file, "storage = \"memory:\"\n{toml}").expect("write");
        let given = Given {
            file: Some(file.path().to_owned()),
            data_home: Some("/d".into()),
            ..Given::default()
        };
        load(&given).map(|config| config.vcs)
    }

    #[test]
    fn faults_name_their_line() {
        let faults = vcs("[vcs]\nallow = \"public\"\nnetrc = \"/nowhere/netrc\"\n\
             [[vcs.module]]\nprefix = \"corp.example/x\"\nvcs = \"git\"\n\
             [[rewrite]]\nfrom = \"https://a.example/\"\nto = \"nowhere\"\n")
        .expect_err("faults")
        .to_string();
        for want in [
            "vcs.allow: ",
            ":4: vcs.netrc: /nowhere/netrc: No such file",
            ":5: vcs.module: repo is missing",
            ":8: rewrite: ",
        ] {
            assert!(faults.contains(want), "{want}\n{faults}");
        }
    }
}
