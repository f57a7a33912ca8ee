//! What a remote repository says it has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use crate::{Tag, Tags};

/// `HEAD`, branches and tags, each with the hash of what it names; annotated tags are peeled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refs {
    by_name: BTreeMap<String, String>,
    /// The hashes of annotated tags themselves, by the whole names of the refs.
    annotated: BTreeMap<String, String>,
}

impl Refs {
    /// What `git ls-remote` prints. Lines it does not understand are skipped, as are names that are not UTF-8.
    pub(super) fn parse(printed: &[u8]) -> Self {
        let mut refs = Self::default();
        let mut peeled = Vec::new();
        for line in printed.split(|byte| *byte == b'\n') {
            let Some((left, name)) = std::str::from_utf8(line)
                .ok()
                .and_then(|line| line.split_once('\t'))
            else {
                continue;
            };
            if !is_whole_hash(left) {
                continue;
            }
            match name.strip_suffix("^{}") {
                Some(tag) => peeled.push((tag.to_owned(), left.to_owned())),
                None => refs.add(name, left),
            }
        }
        for (tag, commit) in peeled {
            refs.peel(&tag, commit);
        }
        refs
    }

    /// Adds a line of what version 2 of the protocol answers to `ls-refs`, skipped as in [`Self::parse`].
    pub(super) fn add_line(&mut self, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else {
            return;
        };
        let mut words = line.trim_end_matches('\n').split(' ');
        let (Some(hash), Some(name)) = (words.next(), words.next()) else {
            return;
        };
        if is_whole_hash(hash) {
            self.add(name, hash);
            let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
            if let Some(commit) = peeled.filter(|commit| is_whole_hash(commit)) {
                self.peel(name, commit.to_owned());
            }
        }
    }

    fn add(&mut self, name: &str, hash: &str) {
        if name == "HEAD" || name.starts_with("refs/heads/") || name.starts_with("refs/tags/") {
            self.by_name.insert(name.to_owned(), hash.to_owned());
        }
    }

    fn peel(&mut self, tag: &str, commit: String) {
        if let Some(hash) = self.by_name.get_mut(tag) {
            let annotated = std::mem::replace(hash, commit);
            self.annotated.insert(tag.to_owned(), annotated);
        }
    }

    /// What a ref names before it is peeled.
    pub(super) fn unpeeled(&self, name: &str) -> Option<&str> {
        let hash = self.annotated.get(name).or_else(|| self.by_name.get(name));
        hash.map(String::as_str)
    }

    /// The hash of a ref, by its whole name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// Whether its hashes have 64 digits.
    pub(super) fn is_sha256(&self) -> bool {
        self.by_name.values().next().is_some_and(|hash| hash.len() == 64)
    }

    /// The first ref, by its name, with each hash that begins with `prefix`.
    pub(super) fn with_prefix(&self, prefix: &str) -> BTreeMap<&str, &str> {
        let mut found = BTreeMap::new();
        for (name, hash) in &self.by_name {
            if hash.starts_with(prefix) {
                found.entry(hash.as_str()).or_insert(name.as_str());
            }
        }
        found
    }

    /// All tags with what they name, without `refs/tags/`, sorted by name.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.by_name.range("refs/tags/".to_owned()..);
        tags.map_while(|(name, hash)| Some((name.strip_prefix("refs/tags/")?, hash.as_str())))
    }

    /// The tags that begin with `prefix`.
    pub(super) fn list(&self, prefix: &str) -> Tags {
        let tags = self.tags().filter(|(name, _)| name.starts_with(prefix));
        let list = tags.map(|(name, hash)| Tag {
            name: name.to_owned(),
            hash: Some(hash.to_owned()),
        });
        Tags {
            list: list.collect(),
            repo_sum: Some(self.sum()),
        }
    }

    /// A checksum over all of it (`repoSum` of cmd/go). Names are quoted as Go does but for characters that do not
    /// print, which hardly a ref has.
    pub(super) fn sum(&self) -> String {
        let mut lines = String::new();
        for (name, hash) in &self.by_name {
            // Git allows neither a backslash nor control characters in names.
            let name = name.replace('"', "\\\"");
            let _ = writeln!(lines, "\"{name}\" {hash}");
        }
        format!("r1:{}", BASE64_STANDARD.encode(Sha256::digest(lines)))
    }
}

/// Whether this is a hash of 40 or 64 lower-case hexadecimal digits.
pub(super) fn is_whole_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hex(text)
}

/// Whether this is the beginning of a hash that is long enough to look for: cmd/go wants 7 digits.
pub(super) fn is_hash_prefix(text: &str, sha256: bool) -> bool {
    (7..=if sha256 { 64 } else { 40 }).contains(&text.len()) && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn peels_tags_and_leaves_out_the_rest() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let text = format!(
            "ref: refs/heads/main\tHEAD\n{one}\tHEAD\n{one}\trefs/heads/main\n{two}\trefs/pull/1/head\n\
             {two}\trefs/tags/v1\n{one}\trefs/tags/v1^{{}}\n{two}\trefs/tags/v2\nnonsense\n"
        );
        let refs = Refs::parse(text.as_bytes());
        assert_eq!(
            refs.tags().collect::<Vec<_>>(),
            [("v1", one.as_str()), ("v2", two.as_str())]
        );
        assert_eq!(refs.by_name.len(), 4);
        assert_eq!(
            refs.with_prefix("1111111").into_iter().collect::<Vec<_>>(),
            [(one.as_str(), "HEAD")]
        );
    }

    proptest! {
        #[test]
        fn never_panics(lines in prop::collection::vec(
            "(ref: )?[0-9a-f]{0,3}([0-9a-f]{40}|[0-9a-f]{64})?\t?(HEAD|refs/(heads|tags)/.{0,8})(\\^\\{\\})?", 0..20,
        )) {
            let refs = Refs::parse(lines.join("\n").as_bytes());
            for (_, hash) in refs.tags() {
                prop_assert!(is_whole_hash(hash));
            }
            prop_assert!(refs.sum().starts_with("r1:"));
        }

        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Refs::parse(&bytes);
        }
    }
}
