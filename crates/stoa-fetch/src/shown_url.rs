//! Texts that should have been URLs, for errors.

use std::borrow::Cow;

/// A text without what may be a user and a password in it: everything up to its last `@` but the scheme. It may be no
/// URL, so it cannot be taken apart like one.
pub(crate) fn shown_url(text: &str) -> Cow<'_, str> {
    let Some((secret, rest)) = text.rsplit_once('@') else {
        return Cow::Borrowed(text);
    };
    let is_scheme = |scheme: &&str| {
        scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    };
    let scheme = secret
        .split_once("://")
        .map(|(scheme, _)| scheme)
        .filter(is_scheme);
    Cow::Owned(match scheme {
        Some(scheme) => format!("{scheme}://[hidden]@{rest}"),
        None => format!("[hidden]@{rest}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (text, want) in [
            ("https://a.example/x", "https://a.example/x"),
            ("https://u:p@ss@a b", "https://[hidden]@a b"),
            ("https:\\\\u:p@a.example", "[hidden]@a.example"),
            ("u:p@a.example", "[hidden]@a.example"),
            ("u:p://x@a.example", "[hidden]@a.example"),
        ] {
            assert_eq!(shown_url(text), want);
        }
    }
}
