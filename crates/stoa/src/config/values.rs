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

/// A URL with [`HIDDEN`] in place of its user and password.
pub(super) fn hide(base: &BaseUrl) -> String {
    if base.has_credentials() {
        base.to_string().replacen("://", &format!("://{HIDDEN}@"), 1)
    } else {
        base.to_string()
    }
}
