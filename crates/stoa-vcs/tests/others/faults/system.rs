//! The systems, each with a repository before and after something came, and servers of both.

use std::path::PathBuf;
use std::sync::Arc;

use stoa_testing::relay::{Origin, Relay};
use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::Workspace;
use stoa_vcs::{BzrRepository, FossilRepository, HgRepository, Repository, RepositoryOptions, SvnRepository};

use super::interview::Ask;
use crate::guarded::Served;

/// A system, as its server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Hg,
    Svn,
    Bzr,
    /// Bazaar, of files behind a web server.
    BzrFiles,
    Fossil,
}

/// Commits of the same time have the same hashes in every workspace.
const HG: &str = "hg init old; cd old; echo 1 >a.txt; mkdir sub; echo s >sub/s.txt; hg add -q; \
    hg commit -q -d '1000000000 0' -m one; hg tag -q -d '1000000001 0' v1.0.0; \
    hg branch -q side; echo s >s; hg add -q; hg commit -q -d '1000000002 0' -m side; hg bookmark -i mark; \
    hg update -q default; head -c 3000 /dev/zero | tr '\\0' x >b; hg add -q; hg commit -q -d '1000000003 0' -m two; hg tag -q -d '1000000004 0' v1.1.0; \
    cd ..; hg clone -q -U old new; cd new; hg update -q default; echo 2 >a.txt; hg commit -q -d '1000000005 0' -m three; \
    hg tag -q -d '1000000006 0' v1.2.0; cd ../old; hg phase -q -p 'all()'; cd ../new; hg bookmark -r side mark; hg phase -q -p 'all()'";

const BZR: &str = "mkdir old new; bzr init -q old/r; cd old/r; echo 1 >a.txt; mkdir sub; echo s >sub/s.txt; bzr add -q; \
    bzr commit -q -m one --commit-time '2017-09-21 21:20:12 -0400'; bzr tag -q v1.0.0; head -c 3000 /dev/zero | tr '\\0' x >b; bzr add -q; \
    bzr commit -q -m two --commit-time '2017-09-22 21:20:12 -0400'; bzr tag -q v1.1.0; cd ../..; \
    bzr branch -q old/r new/r; cd new/r; echo 2 >a.txt; bzr commit -q -m three --commit-time '2017-09-23 21:20:12 -0400'; bzr tag -q v1.2.0";

const FOSSIL: &str = "commit() { fossil commit -m \"$1\" --no-warnings --date-override $2 >/dev/null; }; \
    fossil init -A stoa --date-override 2020-01-01T00:00:00 old.fossil >/dev/null; mkdir w; cd w; \
    fossil open ../old.fossil >/dev/null; echo 1 >a.txt; mkdir sub; echo s >sub/s.txt; fossil add a.txt sub >/dev/null; \
    commit one 2020-02-02T02:02:02; fossil tag add v1.0.0 current >/dev/null; \
    head -c 30000 /dev/urandom >b; fossil add b >/dev/null; commit two 2020-02-02T02:02:03; fossil tag add v1.1.0 current >/dev/null; \
    fossil branch new side current --date-override 2020-02-02T02:02:04 >/dev/null; \
    cp ../old.fossil ../new.fossil; cd ..; mkdir w2; cd w2; fossil open ../new.fossil >/dev/null; \
    echo 22222 >a.txt; commit three 2020-02-02T02:02:05; fossil tag add v1.2.0 current >/dev/null";

const SVN: &str = "svnadmin create old; svn checkout -q file://$PWD/old w; cd w; mkdir trunk tags trunk/sub; echo 1 >trunk/a.txt; \
    echo s >trunk/sub/s.txt; head -c 3000 /dev/zero | tr '\\0' x >trunk/b; svn add -q trunk tags; svn commit -q -m one; svn update -q; \
    mkdir tags/v1.0.0 tags/v1.1.0; svn add -q tags/v1.0.0 tags/v1.1.0; svn commit -q -m two; cd ..; cp -r old new";

impl System {
    fn script(self) -> &'static str {
        match self {
            Self::Hg => HG,
            Self::Svn => SVN,
            Self::Bzr | Self::BzrFiles => BZR,
            Self::Fossil => FOSSIL,
        }
    }

    /// Whether its server speaks a protocol of its own, and not HTTP.
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::Svn | Self::Bzr)
    }

    /// Whether it is answered from a copy: then one fetch answers all.
    pub(crate) fn is_copied(self) -> bool {
        self != Self::Svn
    }

    pub(crate) fn asks(self) -> &'static [Ask] {
        match self {
            Self::Hg => &Ask::ALL,
            Self::Svn => &[Ask::Tags, Ask::Number, Ask::Latest, Ask::File, Ask::Archive],
            Self::Bzr | Self::BzrFiles => &[
                Ask::Tags,
                Ask::Tag,
                Ask::Number,
                Ask::Latest,
                Ask::File,
                Ask::Archive,
            ],
            Self::Fossil => &[Ask::Tag, Ask::Branch, Ask::Latest, Ask::File, Ask::Archive],
        }
    }

    pub(crate) fn open(
        self,
        relay: &Relay,
        cache: Arc<Cache>,
        options: RepositoryOptions,
    ) -> Box<dyn Repository> {
        let at = relay.address();
        match self {
            Self::Hg => {
                Box::new(HgRepository::open(&format!("http://{at}"), cache, options).expect("an address"))
            }
            Self::Svn => Box::new(
                SvnRepository::open(&format!("svn://{at}/trunk"), cache, options).expect("an address"),
            ),
            Self::Bzr => {
                Box::new(BzrRepository::open(&format!("bzr://{at}/r"), cache, options).expect("an address"))
            }
            Self::BzrFiles => {
                Box::new(BzrRepository::open(&format!("http://{at}/r"), cache, options).expect("an address"))
            }
            Self::Fossil => {
                Box::new(FossilRepository::open(&format!("http://{at}"), cache, options).expect("an address"))
            }
        }
    }
}

/// The servers of a system.
pub(crate) struct Servers {
    pub(crate) system: System,
    pub(crate) old: Origin,
    pub(crate) new: Origin,
    pub(crate) work: Workspace,
    _served: Vec<Served>,
}

impl Servers {
    pub(crate) fn start(system: System) -> Self {
        let work = Workspace::new();
        work.script(system.script());
        let place = |name: &str| work.path("repo").join(name);
        let start = |path: PathBuf| match system {
            System::Hg => Some(Served::hg(&path)),
            System::Svn => Some(Served::svn(&path)),
            System::Bzr => Some(Served::bzr(&path)),
            System::BzrFiles => None,
            System::Fossil => Some(Served::fossil(&path.with_extension("fossil"))),
        };
        let (old, new) = (start(place("old")), start(place("new")));
        let origin = |served: &Option<Served>, name: &str| match served {
            None => Origin::Files(place(name)),
            Some(served) if system.is_stream() => Origin::Stream(served.address.clone()),
            Some(served) => Origin::Http(served.address.clone()),
        };
        Self {
            system,
            old: origin(&old, "old"),
            new: origin(&new, "new"),
            _served: old.into_iter().chain(new).collect(),
            work,
        }
    }
}
