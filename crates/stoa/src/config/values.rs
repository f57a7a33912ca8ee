//! Single values that several sections have.

use std::convert::Infallible;

use stoa_config::HIDDEN;
use stoa_fetch::BaseUrl;
use stoa_module::PatternList;

/// Globs with commas between them.
#[expect(clippy::unnecessary_wraps, reason = "it is a parser like the others")]
pub(super) fn patterns(text: &str) -> Result<PatternList, Infallible> {
    Ok(PatternList::parse(text))
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
