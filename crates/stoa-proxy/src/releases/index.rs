//! What archives there are.

use std::collections::HashMap;

use serde::Deserialize;

use super::name::ReleaseName;

/// The most files of an index. There are some 6000 so far.
const MAX_FILES: usize = 100_000;

/// What an index says of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFile {
    /// The SHA-256 of its content; none of some that are old.
    pub sha256: Option<[u8; 32]>,
    /// Its length in bytes.
    pub len: u64,
}

/// The archives that an index lists.
#[derive(Clone, Debug, Default)]
pub struct ReleaseIndex {
    files: HashMap<ReleaseName, ReleaseFile>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    #[serde(default)]
    sha256: String,
    size: u64,
}

impl ReleaseIndex {
    /// Reads the JSON of an index. Files with names that no archive has are passed over.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let releases: Vec<Release> =
            serde_json::from_slice(text).map_err(|error| format!("not an index of releases: {error}"))?;
        let mut files = HashMap::new();
        for file in releases.into_iter().flat_map(|release| release.files) {
            let Ok(name) = file.filename.parse::<ReleaseName>() else {
                continue;
            };
            let known = ReleaseFile {
                sha256: digest(&file.sha256)?,
                len: file.size,
            };
            if files
                .insert(name.clone(), known.clone())
                .is_some_and(|other| other != known)
            {
                return Err(format!(
                    "not an index of releases: it says two different things of {name}"
                ));
            }
            if files.len() > MAX_FILES {
                return Err(format!(
                    "not an index of releases: it has more than {MAX_FILES} files"
                ));
            }
        }
        Ok(Self { files })
    }

    /// What it says of an archive.
    pub fn file(&self, name: &ReleaseName) -> Option<&ReleaseFile> {
        self.files.get(name)
    }

    /// How many archives it has.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The bytes of 64 hexadecimal digits; none of nothing.
fn digest(text: &str) -> Result<Option<[u8; 32]>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut digest = [0; 32];
    let bad = || format!("not an index of releases: {:?} is no SHA-256", shortened(text));
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad());
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| bad())?;
    }
    Ok(Some(digest))
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";

    fn of_file(file: &str) -> String {
        format!(r#"[{{"version":"go1.2","stable":true,"files":[{file}]}}]"#)
    }

    #[test]
    fn an_index_tells_sums_and_lengths() {
        let file = format!(
            r#"{{"filename":"go1.2.src.tar.gz","os":"","arch":"","version":"go1.2","sha256":"{SUM}","size":7,"kind":"source"}}"#
        );
        let old = r#"{"filename":"go1.1.zip","sha256":"","size":8}"#;
        let foreign = r#"{"filename":"../x","size":9}"#;
        let text = of_file(&format!("{file},{old},{foreign},{old}"));
        let index = ReleaseIndex::parse(text.as_bytes()).expect("an index");
        assert_eq!(index.len(), 2);
        let known = |name: &str| index.file(&name.parse().expect("a name")).cloned();
        let file = known("go1.2.src.tar.gz").expect("it is listed");
        assert_eq!(file.len, 7);
        let sum = file.sha256.expect("a sum");
        assert_eq!((sum[0], sum[15], sum[31]), (0x01, 0xef, 0xef));
        let old = ReleaseFile { sha256: None, len: 8 };
        assert_eq!(known("go1.1.zip"), Some(old));
        assert_eq!(known("go1.3.zip"), None);
        assert!(ReleaseIndex::parse(b"[]").expect("an index").is_empty());
    }

    #[test]
    fn what_is_no_index_says_why() {
        let differs = r#"{"filename":"go1.1.zip","size":8},{"filename":"go1.1.zip","size":9}"#;
        for (text, want) in [
            ("<!doctype html>", "not an index of releases: expected value"),
            ("{}", "not an index of releases: invalid type"),
            ("", "not an index of releases: EOF"),
            (&of_file(r#"{"filename":"go1.1.zip"}"#), "missing field `size`"),
            (&of_file(r#"{"filename":"go1.1.zip","size":-1}"#), "invalid value"),
            (
                &of_file(r#"{"filename":"go1.1.zip","size":1,"sha256":"12"}"#),
                "\"12\" is no SHA-256",
            ),
            (
                &of_file(&format!(
                    r#"{{"filename":"go1.1.zip","size":1,"sha256":"{}"}}"#,
                    SUM.replace('0', "+")
                )),
                "is no SHA-256",
            ),
            (&of_file(differs), "two different things of go1.1.zip"),
        ] {
            let error = ReleaseIndex::parse(text.as_bytes()).expect_err(text);
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
