//! Elements of paths and the characters in them.

/// Whether `path` is `prefix` or lies below it, whole elements at a time (`str.HasPathPrefix` of cmd/go). A prefix that
/// ends in a slash has what lies below it only.
pub(super) fn has_path_prefix(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| {
        rest.is_empty() || prefix.is_empty() || prefix.ends_with('/') || rest.starts_with('/')
    })
}

/// `[\w.\-]+` in the go command's expressions.
pub(super) fn is_word_element(element: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !element.is_empty() && element.bytes().all(is_word)
}

/// `[a-z0-9]`
pub(super) fn is_digit_or_lower(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_slashes() {
        for (path, prefix, want) in [
            ("a.b/c", "a.b", true),
            ("a.b/c", "a.b/c", true),
            ("a.b/cd", "a.b/c", false),
            ("a.b/c", "a.b/", true),
            ("a.b/", "a.b/", true),
            ("a.b", "a.b/", false),
            ("a.b", "", true),
        ] {
            assert_eq!(has_path_prefix(path, prefix), want, "{path} {prefix}");
        }
    }
}
