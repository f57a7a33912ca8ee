//! Repositories that a path names by itself: well-known hosts, and paths with `.git` and the like in them.

use stoa_vcs::VcsKind;

use super::elements::{has_path_prefix, is_digit_or_lower, is_word_element};

/// The repository that a path names by itself, without a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticRoot {
    /// The leading part of the path that stands for the repository.
    pub root: String,
    /// Its system.
    pub vcs: VcsKind,
    /// Its URL; without the scheme if [`schemeless`](Self::schemeless).
    pub repo: String,
    /// The scheme has to be found out by asking.
    pub schemeless: bool,
}

/// Why there is no [`StaticRoot`]. The texts are the go command's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StaticRootError {
    /// No rule speaks of such a path: its host has to be asked.
    #[error("dynamic lookup required to find mapping")]
    Unknown,
    /// A rule says that there is no such repository.
    #[error("{0}")]
    Invalid(String),
}

/// A host whose paths need no question.
struct Site {
    /// Leading elements of the paths it is about.
    prefix: &'static str,
    vcs: VcsKind,
    /// How many elements of a path make the root; `None` if it is no path of this site.
    root: fn(&[&str]) -> Option<usize>,
    /// A root that ends in `.git` or the like is a mistake.
    suffix_forbidden: bool,
}

const SITES: [Site; 6] = [
    Site {
        prefix: "github.com",
        vcs: VcsKind::Git,
        root: owner_and_name,
        suffix_forbidden: true,
    },
    Site {
        prefix: "bitbucket.org",
        vcs: VcsKind::Git,
        root: owner_and_name,
        suffix_forbidden: true,
    },
    Site {
        prefix: "hub.jazz.net/git",
        vcs: VcsKind::Git,
        root: jazz,
        suffix_forbidden: true,
    },
    Site {
        prefix: "git.apache.org",
        vcs: VcsKind::Git,
        root: apache,
        suffix_forbidden: false,
    },
    Site {
        prefix: "git.openstack.org",
        vcs: VcsKind::Git,
        root: owner_and_name,
        suffix_forbidden: false,
    },
    Site {
        prefix: "chiselapp.com",
        vcs: VcsKind::Fossil,
        root: chisel,
        suffix_forbidden: false,
    },
];

/// Looks a path up in the fixed rules (`repoRootFromVCSPaths` of cmd/go with `vcsPaths`).
pub fn static_root(path: &str) -> Result<StaticRoot, StaticRootError> {
    let invalid = |reason: String| Err(StaticRootError::Invalid(reason));
    if has_path_prefix(path, "example.net") {
        return invalid("no modules on example.net".to_owned());
    }
    if path == "rsc.io" {
        return invalid("rsc.io is not a module".to_owned());
    }
    for scheme in ["http:", "https:"] {
        if path.starts_with(scheme) {
            return invalid(format!("\"{scheme}//\" not allowed in import path"));
        }
    }
    match SITES.iter().find(|site| has_path_prefix(path, site.prefix)) {
        Some(site) => site.find(path),
        None => suffix_root(path).ok_or(StaticRootError::Unknown),
    }
}

impl Site {
    fn find(&self, path: &str) -> Result<StaticRoot, StaticRootError> {
        let elements: Vec<&str> = path.split('/').collect();
        let Some(count) = (self.root)(&elements) else {
            let reason = format!("invalid {} import path {path:?}", self.prefix);
            return Err(StaticRootError::Invalid(reason));
        };
        let root = elements[..count].join("/");
        if self.suffix_forbidden && cut_vcs_suffix(&root).is_some() {
            let reason = format!("invalid version control suffix in {}/ path", self.prefix);
            return Err(StaticRootError::Invalid(reason));
        }
        Ok(StaticRoot {
            repo: format!("https://{root}"),
            root,
            vcs: self.vcs,
            schemeless: false,
        })
    }
}

/// `host/owner/name`, then folders.
fn owner_and_name(elements: &[&str]) -> Option<usize> {
    let below = elements.get(1..)?;
    (below.len() >= 2 && below.iter().all(|element| is_word_element(element))).then_some(3)
}

/// `hub.jazz.net/git/owner/name`, then folders.
fn jazz(elements: &[&str]) -> Option<usize> {
    let (owner, below) = elements.get(2..)?.split_first()?;
    let owned = !owner.is_empty() && owner.bytes().all(is_digit_or_lower);
    (owned && !below.is_empty() && below.iter().all(|element| is_word_element(element))).then_some(4)
}

/// `git.apache.org/name.git`, then folders.
fn apache(elements: &[&str]) -> Option<usize> {
    let (name, below) = elements.get(1..)?.split_first()?;
    let name = name.strip_suffix(".git").filter(|name| !name.is_empty())?;
    let named = name
        .bytes()
        .all(|byte| is_digit_or_lower(byte) || b"_.-".contains(&byte));
    (named && below.iter().all(|element| is_word_element(element))).then_some(2)
}

/// `chiselapp.com/user/someone/repository/name`, and nothing below.
fn chisel(elements: &[&str]) -> Option<usize> {
    let [_, "user", user, "repository", name] = elements else {
        return None;
    };
    let known = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (known && is_word_element(name)).then_some(5)
}

/// The rule for any host: an element that ends in the name of a system ends the root (`example.com/a/b.git/folder`).
/// The last such element counts. The root keeps the suffix, the repository drops it.
///
/// As in cmd/go the root may begin in the middle of the path, where the beginning is no host: the caller has to
/// see that it is a prefix of the path.
pub fn suffix_root(path: &str) -> Option<StaticRoot> {
    let elements: Vec<&str> = path.split('/').collect();
    let tidy = |element: &&str| is_word_element(element.strip_prefix('~').unwrap_or(element));
    let untidy = elements.iter().rposition(|element| !tidy(element)).unwrap_or(0);
    let named = |element: &&str| {
        let name = element.strip_prefix('~').unwrap_or(element);
        cut_vcs_suffix(name).is_some_and(|(name, _)| is_word_element(name))
    };
    let end = elements.iter().rposition(named)?;
    let (start, host) = (untidy..end).find_map(|start| host_in(elements[start]).map(|host| (start, host)))?;
    let mut root = host.to_owned();
    for element in &elements[start + 1..=end] {
        root.push('/');
        root.push_str(element);
    }
    let (repo, vcs) = cut_vcs_suffix(&root)?;
    Some(StaticRoot {
        repo: repo.to_owned(),
        vcs,
        root,
        schemeless: true,
    })
}

/// The end of an element that is a host with a dot in it, and perhaps a port.
fn host_in(element: &str) -> Option<&str> {
    let name = element
        .rsplit_once(':')
        .filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(element, |(name, _)| name);
    let in_host = |byte: &u8| is_digit_or_lower(*byte) || b".-".contains(byte);
    let start = name.len() - name.bytes().rev().take_while(|byte| in_host(byte)).count();
    let host = name.as_bytes().get(start..)?;
    let inner = host.get(1..host.len().checked_sub(1)?)?;
    inner.contains(&b'.').then(|| &element[start..])
}

/// Cuts `.git` and the like off.
fn cut_vcs_suffix(text: &str) -> Option<(&str, VcsKind)> {
    let (rest, suffix) = text.rsplit_once('.')?;
    suffix.parse().ok().map(|vcs| (rest, vcs))
}

/// The rule for launchpad.net, which counts only where its pages name nothing (`vcsPathsAfterDynamic` of cmd/go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launchpad {
    /// The root, if the answer to [`probe`](Self::probe) is yes or there is nothing to ask.
    pub(super) root: String,
    /// `project/series`, which may be a series or a folder: the path to ask the code host for, and the root otherwise.
    pub(super) probe: Option<(String, String)>,
}

impl Launchpad {
    pub(super) fn parse(path: &str) -> Option<Self> {
        let below = path.strip_prefix("launchpad.net/")?;
        let elements: Vec<&str> = below.split('/').collect();
        if let Some(owner) = elements[0].strip_prefix('~') {
            let [_, project, branch, rest @ ..] = elements.as_slice() else {
                return None;
            };
            let tidy = is_word_element(owner)
                && (*project == "+junk" || is_word_element(project))
                && is_word_element(branch)
                && rest.iter().all(|element| is_word_element(element));
            return tidy.then(|| Self {
                root: format!("launchpad.net/{}", elements[..3].join("/")),
                probe: None,
            });
        }
        if !elements.iter().all(|element| is_word_element(element)) {
            return None;
        }
        let project = elements[0];
        let root = format!("launchpad.net/{}", elements[..elements.len().min(2)].join("/"));
        let probe = elements.get(1).map(|series| {
            (
                format!("{project}/{series}/.bzr/branch-format"),
                format!("launchpad.net/{project}"),
            )
        });
        Some(Self { root, probe })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_rule_reads_hosts_as_the_go_command_does() {
        for (path, root) in [
            ("a.b/c.git", Some("a.b/c.git")),
            ("a.b:80/c.git/d", Some("a.b:80/c.git")),
            ("x:a.b/c.git", Some("a.b/c.git")),
            ("a.b:x/c.git", None),
            (".a/c.git", None),
            ("a./c.git", None),
            ("a..b/c.git", Some("a..b/c.git")),
            ("a.b/.git", None),
            ("a.b/~.git", None),
            ("a.b/..git", Some("a.b/..git")),
            ("a.b/c.git/", None),
            ("a.b//c.git", None),
            ("a.b/x+y/c.d/e.hg", Some("c.d/e.hg")),
            ("a.b/c.git/x+y", None),
            ("a.b.git", None),
            ("", None),
        ] {
            let found = suffix_root(path).map(|found| found.root);
            assert_eq!(found.as_deref(), root, "{path}");
        }
    }

    #[test]
    fn launchpad_paths_name_projects_series_and_branches() {
        let parse = |path| Launchpad::parse(path).map(|found| (found.root, found.probe.map(|p| p.1)));
        let some = |root: &str, other: Option<&str>| Some((root.to_owned(), other.map(str::to_owned)));
        assert_eq!(parse("launchpad.net/p"), some("launchpad.net/p", None));
        assert_eq!(
            parse("launchpad.net/p/s/d"),
            some("launchpad.net/p/s", Some("launchpad.net/p"))
        );
        assert_eq!(
            parse("launchpad.net/~u/+junk/b/d"),
            some("launchpad.net/~u/+junk/b", None)
        );
        for path in [
            "launchpad.net",
            "launchpad.net/~u/p",
            "launchpad.net/p/~s",
            "launchpad.org/p",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn word_characters_are_ascii() {
        assert!(is_word_element("aZ0_.-"));
        assert!(!is_word_element("caf\u{e9}") && !is_word_element(""));
    }
}
