//! URLs of repositories, and folders in them, as pages and configurations name them.

use url::Url;

use super::kind::RepoKind;

/// Why a URL or folder is refused, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RepoUrlError(String);

impl RepoUrlError {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Whether a folder may be named as that of a module (`validateRepoSubDir` of cmd/go). It may still lead out of the
/// repository: see [`clamp_subdir`].
pub fn check_subdir(subdir: &str) -> Result<(), RepoUrlError> {
    match subdir.as_bytes().first() {
        Some(b'/') => Err(RepoUrlError::new("leading slash")),
        Some(b'-') => Err(RepoUrlError::new("leading hyphen")),
        _ => Ok(()),
    }
}

/// The folder without `.`, empty elements and `..`: what goes up stops at the root of the repository.
///
/// # Deviation
///
/// The go command joins `..` as it comes. Nothing outside of the repository can be read that way, but names like
/// `../v1.2.3` would be made of it.
pub fn clamp_subdir(subdir: &str) -> String {
    let mut elements = Vec::new();
    for element in subdir.split('/') {
        match element {
            "" | "." => {}
            ".." => {
                elements.pop();
            }
            element => elements.push(element),
        }
    }
    elements.join("/")
}

/// Whether a text may be the URL of a repository for the go command (`validateRepoRoot` of cmd/go): it has a scheme,
/// which is not `file`.
pub fn check_repo_root(root: &str) -> Result<(), RepoUrlError> {
    if root.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(RepoUrlError::new("invalid control character in URL"));
    }
    let url = root.split('#').next().unwrap_or_default();
    let scheme_len = url
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        .count();
    let (scheme, rest) = url.split_at(scheme_len);
    match rest.strip_prefix(':') {
        Some(_) if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) => {}
        Some(_) if scheme.is_empty() => return Err(RepoUrlError::new("missing protocol scheme")),
        _ => return Err(RepoUrlError::new("no scheme")),
    }
    if scheme.eq_ignore_ascii_case("file") {
        return Err(RepoUrlError::new("file scheme disallowed"));
    }
    Ok(())
}

/// Reads the URL of a repository of `kind`.
///
/// # Deviation
///
/// The go command leaves the rest to the programs it calls. Here the scheme has to be one of the kind's, there has to be
/// a host, and neither host nor user may look like an option.
pub(super) fn parse_repo(kind: RepoKind, repo: &str) -> Result<Url, RepoUrlError> {
    check_repo_root(repo)?;
    let url = Url::parse(repo).map_err(|error| RepoUrlError::new(error.to_string()))?;
    check_repo(kind, &url)?;
    Ok(url)
}

/// What [`parse_repo`] asks of a URL that has been read.
pub(super) fn check_repo(kind: RepoKind, url: &Url) -> Result<(), RepoUrlError> {
    if !kind.schemes().contains(&url.scheme()) {
        return Err(RepoUrlError::new(format!(
            "scheme {:?} is none of those for {kind}",
            url.scheme()
        )));
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err(RepoUrlError::new("no host"));
    }
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).next() == Some(b'-');
    if decoded(host) || decoded(url.username()) {
        return Err(RepoUrlError::new("leading hyphen in host or user"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use stoa_vcs::VcsKind;

    use super::*;

    #[test]
    fn folders_are_clamped() {
        for (subdir, want) in [
            ("", ""),
            ("sub/dir", "sub/dir"),
            ("../x", "x"),
            ("a/../../../b", "b"),
            (".", ""),
            ("a//./b/", "a/b"),
            ("..", ""),
            ("...", "..."),
        ] {
            assert_eq!(clamp_subdir(subdir), want, "{subdir}");
        }
    }

    #[test]
    fn roots_need_a_scheme() {
        for (root, want) in [
            ("git@a.b:c", "no scheme"),
            ("://a.b", "missing protocol scheme"),
            ("1http://a.b", "no scheme"),
            ("FILE:///etc", "file scheme disallowed"),
            ("https://a.b/\u{7f}", "invalid control character in URL"),
        ] {
            let error = check_repo_root(root).expect_err(root);
            assert_eq!(error.to_string(), want, "{root}");
        }
    }

    #[test]
    fn urls_that_a_program_could_misread_are_refused() {
        let git = RepoKind::Vcs(VcsKind::Git);
        for (repo, want) in [
            (
                "ext::sh -c touch% /tmp/x",
                "scheme \"ext\" is none of those for git",
            ),
            ("svn://a.b/c", "scheme \"svn\" is none of those for git"),
            ("ssh://-oProxyCommand=x/c", "leading hyphen in host or user"),
            ("ssh://%2doProxyCommand=x/c", "leading hyphen in host or user"),
            ("ssh://-x@a.b/c", "leading hyphen in host or user"),
            ("ssh:///c", "no host"),
            ("git:c", "no host"),
            ("https://", "empty host"),
        ] {
            let error = parse_repo(git, repo).expect_err(repo);
            assert_eq!(error.to_string(), want, "{repo}");
        }
        for repo in [
            "https://a.b/c",
            "ssh://git@a.b/c",
            "git+ssh://a.b:2222/c",
            "http://a.b",
        ] {
            parse_repo(git, repo).expect(repo);
        }
        parse_repo(RepoKind::ModuleProxy, "ssh://a.b").expect_err("no proxy over ssh");
    }
}
