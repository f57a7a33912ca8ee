//! Single values that several sections have.

use stoa_config::HIDDEN;
use stoa_fetch::BaseUrl;
use stoa_module::{PatternList, PatternListError};

/// Patterns of hosts. What no host looks like would match none, and nobody would know.
pub(super) fn hosts(text: &str) -> Result<PatternList, String> {
    for pattern in text.split(',').filter(|pattern| !pattern.trim().is_empty()) {
        let (host, port) = match pattern.trim().rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !port.contains(']') => (host, port),
            _ => (pattern.trim(), ""),
        };
        let is_bad = host.contains(['/', '@', ' ']) || host.ends_with(':');
        let is_port = port.contains(['*', '?', '[']) || port.is_empty() || port.parse::<u16>().is_ok();
        if is_bad || !is_port {
            return Err(format!(
                "{pattern:?} is no host: write HOST, HOST:PORT or a glob such as *.example.com"
            ));
        }
    }
    Ok(PatternList::parse(text))
}

/// Patterns of module paths, at least one.
pub(super) fn modules(text: &str) -> Result<PatternList, String> {
    match text.trim() {
        "" => Err("must name a pattern".to_owned()),
        _ => text.parse().map_err(|error: PatternListError| error.to_string()),
    }
}

/// Refuses a URL with a user or a password, which would be shown wherever the URL is. A user alone may stand where `user`
/// says so of the scheme. What is no URL is for others to judge.
pub(super) fn without_secrets(text: &str, user: impl Fn(&str) -> bool) -> Result<(), &'static str> {
    match url::Url::parse(text) {
        Ok(url) if url.password().is_some() || (!url.username().is_empty() && !user(url.scheme())) => {
            Err("credentials do not belong into it")
        }
        _ => Ok(()),
    }
}

/// A URL with [`HIDDEN`] in place of its user and password.
pub(super) fn hide(base: &BaseUrl) -> String {
    if base.has_credentials() {
        base.to_string().replacen("://", &format!("://{HIDDEN}@"), 1)
    } else {
        base.to_string()
    }
}
