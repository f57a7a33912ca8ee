//! `[vcs]` and `[[vcs.module]]`, with `[[rewrite]]` and `[[credential]]`.

mod programs;

use std::{
    convert::Infallible,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use stoa_config::{
    Key, Occurrence, Reader, Repeated, Section, Table, Variables,
    values::{ByteSize, boolean, bound, text},
};
use stoa_fetch::{
    OutboundRules,
    credentials::{CredentialsByUrl, Netrc},
    discovery::{Govcs, GovcsError, Mapping, Mappings, VcsPolicy},
    outbound::{Guards, NamedModules, Rewrites, UrlGuard},
};
use stoa_module::PatternList;

use self::programs::ProgramsConfig;
use super::{
    credential::{self, CREDENTIAL},
    rewrite::{self, REWRITE},
    values::without_secrets,
};

const ALLOW: Key = Key::new(
    "allow",
    "",
    "which version control systems may be used, in GOVCS syntax; default: public:git|hg,private:all",
);
const PRIVATE: Key = Key::new(
    "private",
    "",
    "private modules, as in GOPRIVATE: without a route they come from their repositories, never from upstream",
);
const INSECURE: Key = Key::new(
    "insecure",
    "",
    "modules that may be fetched without TLS, as in GOINSECURE",
);
const CACHE: Key = Key::new(
    "cache",
    "",
    "where repositories are kept for incremental fetches; default: stoa-vcs in the user's data home",
);
const CACHE_SIZE: Key = Key::new(
    "cache_size",
    "20GiB",
    "how much they may take; the one unused for the longest time goes",
);
const MAX_REFS: Key = Key::new(
    "max_refs",
    "250000",
    "branches and tags of one git repository; one with more is not read",
);
const MEMORY: Key = Key::new(
    "memory",
    "32MiB",
    "memory for what git repositories say of their branches and tags; each is believed for 10 seconds",
);
const ALLOW_PRIVATE_ADDRESSES: Key = Key::new(
    "allow_private_addresses",
    "false",
    "whether pages and redirects may lead to loopback and private addresses",
);
const NETRC: Key = Key::new(
    "netrc",
    "",
    "netrc file with passwords for https; none: read none; default: what NETRC names, else .netrc in the home",
);

const VCS: Table = Table::once(
    "vcs",
    &[
        ALLOW,
        PRIVATE,
        INSECURE,
        CACHE,
        CACHE_SIZE,
        MAX_REFS,
        MEMORY,
        programs::PROGRAMS,
        programs::PROGRAMS_PER_HOST,
        programs::PROGRAMS_QUEUE,
        programs::PROGRAMS_WAIT,
        programs::PROGRAM_MEMORY,
        ALLOW_PRIVATE_ADDRESSES,
        NETRC,
    ],
);

const PREFIX: Key = Key::required("prefix", "the module path that is mapped, and all below it").at_run_time();
const SYSTEM: Key = Key::required("vcs", "git, hg, svn, bzr or fossil").at_run_time();
const REPO: Key = Key::required("repo", "the URL of the repository").at_run_time();
const SUBDIR: Key = Key::optional("subdir", "the directory of the modules in the repository").at_run_time();

const MODULE: Table = Table::repeated(
    "vcs.module",
    Repeated {
        noun: "a module",
        help: "a module prefix that is mapped to a repository; the longest prefix wins",
        sample: &[
            (PREFIX, "corp.example/tools"),
            (SYSTEM, "git"),
            (REPO, "https://git.corp.example/tools"),
            (SUBDIR, ""),
        ],
    },
    &[PREFIX, SYSTEM, REPO, SUBDIR],
);

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
    /// How many branches and tags a git repository may have.
    pub(crate) max_refs: usize,
    /// Memory for them, in bytes.
    pub(crate) memory: u64,
    /// How many programs may run at once, and how much memory each may fill.
    pub(crate) programs: ProgramsConfig,
    /// Whether discovery and redirects may reach loopback and private addresses.
    pub(crate) allow_private_addresses: bool,
    pub(crate) mappings: Mappings,
    pub(crate) rewrites: Rewrites,
    pub(crate) credentials: CredentialsByUrl,
}

impl VcsConfig {
    /// What every outbound URL is held to. The places that mappings and rewrites lead to may be private. Modules are named
    /// by [`Self::private`] and by the patterns of routes.
    pub(crate) fn rules<'a>(&'a self, routes: impl Iterator<Item = &'a PatternList>) -> OutboundRules {
        let mut guard = UrlGuard::new(self.allow_private_addresses)
            .with_setting("vcs.allow_private_addresses")
            .with_tables("[[vcs.module]] or [[rewrite]]");
        let targets = self.mappings.targets().chain(self.rewrites.targets());
        targets.for_each(|url| guard.name(url));
        OutboundRules {
            rewrites: self.rewrites.clone(),
            guards: Guards::new(guard),
            modules: NamedModules::new(routes.chain([&self.private])),
            credentials: Some(Arc::new(self.credentials.clone())),
        }
    }
}

impl Section for VcsConfig {
    const TABLES: &'static [Table] = &[VCS, MODULE, REWRITE, CREDENTIAL];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let given = reader.given();
        let mut vcs = reader.once(&VCS);
        let allow = vcs.value_shown(&ALLOW, govcs, |allow, _| allow.to_string());
        let private = vcs.value(&PRIVATE, str::parse);
        let insecure = vcs.value(&INSECURE, str::parse);
        let cache = cache(&mut vcs, given.data_home.as_ref());
        let cache_size = vcs.value(&CACHE_SIZE, str::parse::<ByteSize>);
        let max_refs = vcs.value(&MAX_REFS, bound);
        let memory = vcs.value(&MEMORY, str::parse::<ByteSize>);
        let programs = programs::read(&mut vcs);
        let allow_private_addresses = vcs.value(&ALLOW_PRIVATE_ADDRESSES, boolean);
        let netrc = netrc(&mut vcs, usual_netrc(&given.variables));
        let modules = reader.each(&MODULE, module);
        let rewrites = rewrite::read(reader);
        let credentials = credential::read_all(reader, &given.variables);
        // What only shows when all tables of a name are put together.
        let mappings = reader.check(MODULE.name, Mappings::new(modules?));
        Some(Self {
            policy: VcsPolicy::new(allow?, private.clone()?, insecure?),
            private: private?,
            cache,
            cache_size: cache_size?.0,
            max_refs: max_refs?,
            memory: memory?.0,
            programs: programs?,
            allow_private_addresses: allow_private_addresses?,
            mappings: mappings?,
            rewrites: rewrites?,
            credentials: CredentialsByUrl {
                rules: credentials?,
                netrc: netrc?,
            },
        })
    }
}

fn govcs(text: &str) -> Result<Govcs, GovcsError> {
    match text {
        "" => Ok(Govcs::default()),
        text => text.parse(),
    }
}

/// The directory of repositories; beside the modules' default one if none is named. Without a home there is none, which
/// matters only to a command that fetches from repositories.
fn cache(vcs: &mut Occurrence<'_, '_>, home: Option<&PathBuf>) -> Option<PathBuf> {
    let parse = |text: &str| match text {
        "" => Ok::<_, Infallible>(home.map(|home| home.join("stoa-vcs"))),
        text => Ok(Some(PathBuf::from(text))),
    };
    let show = |cache: &Option<PathBuf>, text: &str| {
        let cache = cache.as_deref().and_then(Path::to_str);
        cache.unwrap_or(text).to_owned()
    };
    vcs.value_shown(&CACHE, parse, show).flatten()
}

/// What the netrc file says. Where none is named, the usual one is read if it can be.
fn netrc(vcs: &mut Occurrence<'_, '_>, usual: Option<PathBuf>) -> Option<Netrc> {
    vcs.value(&NETRC, |text| match (text, usual) {
        ("none", _) | ("", None) => Ok(Netrc::default()),
        ("", Some(usual)) => Netrc::read(&usual).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Ok(Netrc::default()),
            _ => Err(format!("{}: {error}", usual.display())),
        }),
        (path, _) => Netrc::read(path.as_ref()).map_err(|error| format!("{path}: {error}")),
    })
}

/// The netrc file that programs read: the one that `NETRC` names, else `.netrc` in the home.
fn usual_netrc(variables: &Variables) -> Option<PathBuf> {
    let set = |name| variables.get(name).filter(|value| !value.is_empty());
    let in_home = || Some(PathBuf::from(set("HOME")?).join(".netrc"));
    set("NETRC").map(PathBuf::from).or_else(in_home)
}

/// The URL of a repository. A user is part of it over ssh; elsewhere it would be a secret that is shown.
fn repository(repo: &str) -> Result<String, &'static str> {
    without_secrets(repo, |scheme| scheme.ends_with("ssh"))?;
    Ok(repo.to_owned())
}

fn module(module: &mut Occurrence<'_, '_>) -> Option<Mapping> {
    let prefix = module.value(&PREFIX, text);
    let system = module.value(&SYSTEM, text);
    let repo = module.value(&REPO, repository);
    let subdir = module.value(&SUBDIR, text).unwrap_or_default();
    module.check(Mapping::new(&prefix?, &system?, &repo?, &subdir))
}

#[cfg(test)]
mod tests {
    use crate::config::lab::config;

    #[test]
    fn a_secret_in_the_url_of_a_repository_is_refused_and_not_shown() {
        let load = |repo: &str| {
            config(&format!(
                "[[vcs.module]]\nprefix = \"corp.example/x\"\nvcs = \"git\"\nrepo = \"{repo}\"\n"
            ))
        };
        for repo in ["https://s3cret@git.example/x", "ssh://git:s3cret@git.example/x"] {
            let fault = load(repo).expect_err(repo).to_string();
            assert!(
                fault.ends_with(": vcs.module.repo: credentials do not belong into it"),
                "{fault}"
            );
            assert!(!fault.contains("s3cret"), "{fault}");
        }
        load("ssh://git@git.example/x").expect("a user over ssh");
        let fault = config("storage = \"s3://key:s3cret@bucket\"\n")
            .expect_err("storage")
            .to_string();
        assert!(!fault.contains("s3cret"), "{fault}");
    }

    #[test]
    fn faults_name_their_line() {
        let faults = config(
            "[vcs]\nallow = \"public\"\nnetrc = \"/nowhere/netrc\"\n\
             [[vcs.module]]\nprefix = \"corp.example/x\"\nvcs = \"git\"\n\
             [[rewrite]]\nfrom = \"https://a.example/\"\nto = \"nowhere\"\n",
        )
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
