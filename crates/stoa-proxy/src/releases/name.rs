//! What a release archive is called.

use std::{fmt, str::FromStr, sync::Arc};

/// The most bytes of a name. The longest so far have some 50.
const MAX_LEN: usize = 128;

/// The name of a release archive, as `go1.27.3.linux-amd64.tar.gz`: `go`, then letters, digits and `.+-_`, 128 bytes at most.
/// So it is one element of a path, and nothing that is kept beside archives has such a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReleaseName(Arc<str>);

/// A text that is no name of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a release archive is called go... with letters, digits and .+-_ in it")]
pub struct ReleaseNameError;

impl ReleaseName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReleaseName {
    type Err = ReleaseNameError;

    fn from_str(text: &str) -> Result<Self, ReleaseNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_');
        let is_name = text.len() <= MAX_LEN && text.starts_with("go") && text.bytes().all(plain);
        is_name.then(|| Self(text.into())).ok_or(ReleaseNameError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_element_of_a_path() {
        for name in [
            "go1.27.3.linux-amd64.tar.gz",
            "go1.4-bootstrap-20171003.tar.gz",
            "go1.9.2rc2.src.tar.gz",
        ] {
            assert_eq!(name.parse::<ReleaseName>().expect(name).to_string(), name);
        }
        let long = format!("go{}", "1".repeat(MAX_LEN));
        for name in [
            "", "index", "g", "go/1", "go\\1", "go 1", "go\u{0}", "go1\n", "go%2e", "gö1", &long,
        ] {
            assert_eq!(name.parse::<ReleaseName>(), Err(ReleaseNameError), "{name:?}");
        }
    }
}
