//! URLs of repositories, and folders in them, as pages and configurations name them.

use stoa_vcs::VcsKind;
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
    check_parts(rest.trim_start_matches(':'))?;
    check_escapes(root.split_once('#').map_or("", |(_, fragment)| fragment))
}

/// What `net/url` of Go asks of what follows the colon behind the scheme.
fn check_parts(rest: &str) -> Result<(), RepoUrlError> {
    // What follows without a slash is opaque to Go.
    if !rest.starts_with('/') {
        return Ok(());
    }
    let rest = rest.split('?').next().unwrap_or_default();
    let Some(rest) = rest.strip_prefix("//").filter(|rest| !rest.starts_with("//")) else {
        return check_escapes(rest);
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_of_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(is_of_user) {
        return Err(RepoUrlError::new("invalid userinfo"));
    }
    check_escapes(user)?;
    // The zone of an address may be escaped, and bytes that are not ASCII.
    let zone = host
        .find("%25")
        .filter(|_| host.starts_with('['))
        .unwrap_or(host.len());
    for part in host[..zone].split('%').skip(1) {
        if !matches!(part.as_bytes(), [b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', low, ..] if low.is_ascii_hexdigit())
        {
            return Err(RepoUrlError::new("invalid URL escape in the host"));
        }
    }
    let is_of_host =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:[]<>\"%".contains(c);
    if let Some(odd) = host.chars().find(|c| !is_of_host(*c)) {
        return Err(RepoUrlError::new(format!(
            "invalid character {odd:?} in host name"
        )));
    }
    check_escapes(path)
}

/// Whether two hexadecimal digits follow each percent sign.
fn check_escapes(text: &str) -> Result<(), RepoUrlError> {
    let mut escaped = text.split('%').skip(1).map(str::as_bytes);
    let is_good =
        |after: &[u8]| matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if escaped.all(is_good) {
        Ok(())
    } else {
        Err(RepoUrlError::new("invalid URL escape"))
    }
}

/// Reads the URL of a repository of `kind`.
///
/// # Deviation
///
/// The go command leaves the rest to the programs it calls. Here the scheme has to be one of the kind's, there has to be
/// a host behind two slashes, and neither host nor user may look like an option.
pub(super) fn parse_repo(kind: RepoKind, repo: &str) -> Result<Url, RepoUrlError> {
    check_repo_root(repo)?;
    // The parser would go on to the next name where a host is missing, and takes a backslash for a slash.
    let (scheme, after) = repo.split_once(':').unwrap_or((repo, ""));
    let has_authority = after.starts_with("//") && !after[2..].starts_with('/');
    if !has_authority && kind.schemes().contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(RepoUrlError::new("no host"));
    }
    if repo.split(['?', '#']).next().unwrap_or_default().contains('\\') {
        return Err(RepoUrlError::new("a backslash"));
    }
    let url = Url::parse(repo).map_err(|error| RepoUrlError::new(error.to_string()))?;
    check_repo(kind, &url)?;
    Ok(url)
}

/// What [`parse_repo`] asks of a URL that has been read.
pub(super) fn check_repo(kind: RepoKind, url: &Url) -> Result<(), RepoUrlError> {
    // To git it is another name of ssh, with which the go command never comes by itself.
    let is_alias = kind == RepoKind::Vcs(VcsKind::Git) && url.scheme() == "ssh+git";
    if !is_alias && !kind.schemes().contains(&url.scheme()) {
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
mod tests;
