//! Which addresses, revisions and paths are passed on to programs.

use crate::{RepositoryOptions, Step, VcsError, VcsKind};

/// The longest address, revision or path, in bytes.
const LONGEST: usize = 2000;

/// Refuses an address that a program could take for something else than a repository on a server, that has a password,
/// or whose scheme is not among those that cmd/go tries for the system.
pub(crate) fn check_url(vcs: VcsKind, url: &str, options: &RepositoryOptions) -> Result<(), VcsError> {
    let refused = |why: &str| VcsError::Failed {
        vcs,
        step: Step::Access,
        said: format!("the address is refused: {why}"),
    };
    // What is special in no place of a URL, and to none of the programs.
    let good = |byte: u8| byte.is_ascii_graphic() && !b"\"'`\\<>^{|}#?$".contains(&byte);
    if url.len() > LONGEST || url.starts_with('-') || !url.bytes().all(good) {
        return Err(refused("it is no plain URL"));
    }
    let (scheme, rest) = url.split_once("://").ok_or_else(|| refused("it has no scheme"))?;
    if !allowed(vcs, scheme, options) {
        return Err(refused(&format!("the scheme {scheme} is not allowed")));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if path.split('/').any(|part| part == "..") {
        return Err(refused("it has `..` in its path"));
    }
    if scheme == "file" {
        return if authority.is_empty() {
            Ok(())
        } else {
            Err(refused("it names a host"))
        };
    }
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
    if host.is_empty() || host.starts_with('-') || !host.bytes().all(plain) {
        return Err(refused("its host is no name"));
    }
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if user.starts_with('-') || !user.bytes().all(named) {
        return Err(refused("its user is no name, or has a password"));
    }
    if authority.contains('@') && !scheme.ends_with("ssh") {
        return Err(refused("it has a user"));
    }
    Ok(())
}

fn allowed(vcs: VcsKind, scheme: &str, options: &RepositoryOptions) -> bool {
    let (secure, insecure): (&[&str], &[&str]) = match vcs {
        VcsKind::Hg => (&["https", "ssh"], &["http"]),
        VcsKind::Svn => (&["https", "svn+ssh"], &["http", "svn"]),
        VcsKind::Bzr => (&["https", "bzr+ssh"], &["http", "bzr"]),
        VcsKind::Fossil => (&["https"], &["http"]),
        VcsKind::Git => (&[], &[]),
    };
    secure.contains(&scheme)
        || options.insecure && insecure.contains(&scheme)
        || options.files && scheme == "file"
}

/// Refuses a revision that no system has, or that could be taken for an option.
pub(crate) fn check_revision(revision: &str) -> Result<(), VcsError> {
    let hostile = revision.starts_with('-') || revision.chars().any(char::is_control);
    if revision.is_empty() || revision.len() > LONGEST || hostile {
        return Err(unknown(revision));
    }
    Ok(())
}

/// There is no such revision.
pub(crate) fn unknown(revision: &str) -> VcsError {
    let shown = revision.chars().filter(|c| !c.is_control()).take(200);
    VcsError::UnknownRevision {
        revision: shown.collect(),
    }
}

/// Whether a file or a folder can have this path below the root of a repository.
pub(crate) fn is_plain_path(path: &str) -> bool {
    path.len() <= LONGEST
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::RunnerSettings;

    fn passes(vcs: VcsKind, url: &str, change: impl Fn(&mut RepositoryOptions)) -> bool {
        let mut options = RepositoryOptions::new(RunnerSettings::new("/nowhere"));
        change(&mut options);
        check_url(vcs, url, &options).is_ok()
    }

    #[test]
    fn schemes_are_those_of_the_system() {
        let all = [
            "http", "https", "ssh", "svn", "svn+ssh", "bzr", "bzr+ssh", "file", "git", "ext", "svn+x",
        ];
        let pass = |vcs, change: fn(&mut RepositoryOptions)| {
            let host = |scheme: &str| if scheme == "file" { "/r" } else { "h/r" };
            let pass = all
                .iter()
                .filter(|scheme| passes(vcs, &format!("{scheme}://{}", host(scheme)), change));
            pass.copied().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(pass(VcsKind::Hg, |_| ()), "https ssh");
        assert_eq!(pass(VcsKind::Svn, |_| ()), "https svn+ssh");
        assert_eq!(pass(VcsKind::Bzr, |_| ()), "https bzr+ssh");
        assert_eq!(pass(VcsKind::Fossil, |_| ()), "https");
        assert_eq!(pass(VcsKind::Hg, |o| o.insecure = true), "http https ssh");
        assert_eq!(
            pass(VcsKind::Svn, |o| o.insecure = true),
            "http https svn svn+ssh"
        );
        assert_eq!(
            pass(VcsKind::Bzr, |o| o.insecure = true),
            "http https bzr bzr+ssh"
        );
        assert_eq!(pass(VcsKind::Fossil, |o| o.insecure = true), "http https");
        assert_eq!(pass(VcsKind::Fossil, |o| o.files = true), "https file");
    }

    #[test]
    fn hostile_addresses_are_refused() {
        for url in [
            "",
            "-x",
            "--config=x",
            "h/r",
            "https://",
            "https:///r",
            "https://u@h/r",
            "https://u:p@h/r",
            "ssh://-oProxyCommand=x/r",
            "ssh://-u@h/r",
            "ssh://u:p@h/r",
            "ssh://%2DoProxyCommand/r",
            "https://h/r#b",
            "https://h/r?q",
            "https://h/a b",
            "https://h/a\nb",
            "https://h/a\0b",
            "https://h/../b",
            "file:///r",
            "file://h/r",
        ] {
            assert!(!passes(VcsKind::Hg, url, |_| ()), "{url}");
        }
        assert!(passes(VcsKind::Hg, "ssh://hg@h.example:22//abs/r", |_| ()));
        assert!(!passes(VcsKind::Hg, "file://h/r", |o| o.files = true));
    }

    #[test]
    fn paths_and_revisions() {
        for path in ["a", "a/b", "-a", "a b", "é"] {
            assert!(is_plain_path(path), "{path}");
        }
        for path in ["", "/a", "a//b", "a/", "..", "a/../b", "./a", "a\nb", "a\0"] {
            assert!(!is_plain_path(path), "{path}");
        }
        for revision in ["", "-1", "--help", "a\nb", "\0"] {
            assert!(check_revision(revision).is_err(), "{revision}");
        }
        assert!(check_revision("release 1").is_ok());
    }
}
