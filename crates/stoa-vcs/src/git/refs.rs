//! What a remote repository says it has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use stoa_module::semver;

use crate::{Tag, Tags};

/// `HEAD`, branches and tags, each with the hash of what it names; annotated tags are peeled.
///
/// A server may send hundreds of thousands, so that all of them share one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Refs {
    /// For each ref its name, its hash and, for an annotated tag, the hash of the commit.
    text: String,
    /// By their names, each once.
    places: Vec<Ref>,
    sum: OnceLock<String>,
}

/// Where a ref is in the text.
#[derive(Clone, Copy, Debug)]
struct Ref {
    start: u32,
    name: u32,
    hash: u8,
    peeled: u8,
}

/// More refs than may be, by their number or their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyRefs;

/// Refs in the order that they come.
#[derive(Debug)]
pub(super) struct RefsReader {
    refs: Refs,
    most: usize,
}

impl RefsReader {
    /// Takes so many refs at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            refs: Refs::default(),
            most,
        }
    }

    /// How many there are so far.
    pub(super) fn len(&self) -> usize {
        self.refs.places.len()
    }

    /// Adds a line of what version 2 of the protocol answers to `ls-refs`, skipped as in [`Refs::parse`].
    pub(super) fn add_line(&mut self, line: &[u8]) -> Result<(), TooManyRefs> {
        let Ok(line) = std::str::from_utf8(line) else {
            return Ok(());
        };
        let mut words = line.trim_end_matches('\n').split(' ');
        let (Some(hash), Some(name)) = (words.next(), words.next()) else {
            return Ok(());
        };
        if is_whole_hash(hash) {
            let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
            self.add(name, hash, peeled.filter(|commit| is_whole_hash(commit)))?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, hash: &str, peeled: Option<&str>) -> Result<(), TooManyRefs> {
        if name != "HEAD" && !name.starts_with("refs/heads/") && !name.starts_with("refs/tags/") {
            return Ok(());
        }
        let Refs { text, places, .. } = &mut self.refs;
        if places.len() >= self.most {
            return Err(TooManyRefs);
        }
        let peeled = peeled.unwrap_or_default();
        let start = u32::try_from(text.len()).map_err(|_| TooManyRefs)?;
        places.push(Ref {
            start,
            name: u32::try_from(name.len()).map_err(|_| TooManyRefs)?,
            // They are 40 or 64 digits, or nothing.
            hash: u8::try_from(hash.len()).map_err(|_| TooManyRefs)?,
            peeled: u8::try_from(peeled.len()).map_err(|_| TooManyRefs)?,
        });
        text.push_str(name);
        text.push_str(hash);
        text.push_str(peeled);
        Ok(())
    }

    /// What has come, in order. Of two refs of one name the later one counts.
    pub(super) fn finish(self) -> Refs {
        let Refs {
            mut text, mut places, ..
        } = self.refs;
        let name = |at: &Ref| &text[at.start as usize..][..at.name as usize];
        if !places.is_sorted_by(|a, b| name(a) < name(b)) {
            places.sort_by(|a, b| name(a).cmp(name(b)));
            places.reverse();
            places.dedup_by(|a, b| name(a) == name(b));
            places.reverse();
        }
        text.shrink_to_fit();
        places.shrink_to_fit();
        let refs = Refs {
            text,
            places,
            sum: OnceLock::new(),
        };
        refs.sum();
        refs
    }
}

impl Refs {
    /// What `git ls-remote` prints. Lines it does not understand are skipped, as are names that are not UTF-8.
    pub(super) fn parse(printed: &[u8], most: usize) -> Result<Self, TooManyRefs> {
        let mut reader = RefsReader::new(most);
        let lines = || {
            let lines = printed.split(|byte| *byte == b'\n');
            let pairs = lines.filter_map(|line| std::str::from_utf8(line).ok()?.split_once('\t'));
            pairs.filter(|(left, _)| is_whole_hash(left))
        };
        let mut peeled: Vec<(&str, &str)> = lines()
            .filter_map(|(left, name)| Some((name.strip_suffix("^{}")?, left)))
            .take(most.saturating_add(1))
            .collect();
        // Stable: of two the later one counts.
        peeled.sort_by_key(|(tag, _)| *tag);
        for (left, name) in lines().filter(|(_, name)| !name.ends_with("^{}")) {
            let end = peeled.partition_point(|(tag, _)| *tag <= name);
            let commit = peeled[..end].last().filter(|(tag, _)| *tag == name);
            reader.add(name, left, commit.map(|(_, commit)| *commit))?;
        }
        Ok(reader.finish())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes that they own on the heap.
    pub(super) fn heap_size(&self) -> usize {
        self.text.capacity()
            + self.places.capacity() * size_of::<Ref>()
            + self.sum.get().map_or(0, String::capacity)
    }

    fn name(&self, at: &Ref) -> &str {
        &self.text[at.start as usize..][..at.name as usize]
    }

    /// The hash of the ref itself.
    fn own_hash(&self, at: &Ref) -> &str {
        &self.text[(at.start + at.name) as usize..][..usize::from(at.hash)]
    }

    /// The hash of what it names in the end.
    fn hash(&self, at: &Ref) -> &str {
        match at.peeled {
            0 => self.own_hash(at),
            length => &self.text[(at.start + at.name + u32::from(at.hash)) as usize..][..usize::from(length)],
        }
    }

    fn find(&self, name: &str) -> Option<&Ref> {
        let at = self.places.binary_search_by(|at| self.name(at).cmp(name));
        self.places.get(at.ok()?)
    }

    /// What a ref names before it is peeled.
    pub(super) fn unpeeled(&self, name: &str) -> Option<&str> {
        self.find(name).map(|at| self.own_hash(at))
    }

    /// The hash of a ref, by its whole name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|at| self.hash(at))
    }

    /// Whether its hashes have 64 digits.
    pub(super) fn is_sha256(&self) -> bool {
        self.places.first().is_some_and(|at| self.hash(at).len() == 64)
    }

    /// The first ref, by its name, with each hash that begins with `prefix`.
    pub(super) fn with_prefix(&self, prefix: &str) -> BTreeMap<&str, &str> {
        let mut found = BTreeMap::new();
        for at in self.places.iter().filter(|at| self.hash(at).starts_with(prefix)) {
            found.entry(self.hash(at)).or_insert_with(|| self.name(at));
        }
        found
    }

    /// All tags with what they name, without `refs/tags/`, sorted by name.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags_from("")
    }

    /// The tags that do not come before `first`.
    fn tags_from(&self, first: &str) -> impl Iterator<Item = (&str, &str)> {
        let first = format!("refs/tags/{first}");
        let start = self.places.partition_point(|at| self.name(at) < first.as_str());
        let tags = self.places[start..].iter();
        tags.map_while(|at| Some((self.name(at).strip_prefix("refs/tags/")?, self.hash(at))))
    }

    /// The tags that begin with `prefix`.
    pub(super) fn list(&self, prefix: &str) -> Tags {
        let tags = self
            .tags_from(prefix)
            .take_while(|(name, _)| name.starts_with(prefix));
        let list = tags.map(|(name, hash)| Tag {
            name: name.to_owned(),
            hash: Some(hash.to_owned()),
        });
        Tags {
            list: list.collect(),
            repo_sum: Some(self.sum()),
        }
    }

    /// The tags that begin with `prefix` and go on as versions do, the highest first, and the first by name of equal
    /// ones. Each comes with what it names.
    pub(super) fn versions(&self, prefix: &str) -> Vec<(String, String)> {
        struct Tagged<'a>(&'a str, (&'a str, &'a str));
        impl AsRef<str> for Tagged<'_> {
            fn as_ref(&self) -> &str {
                self.0
            }
        }
        let tags = self.tags_from(prefix);
        let tags = tags.map_while(|tag| Some(Tagged(tag.0.strip_prefix(prefix)?, tag)));
        let mut tags: Vec<_> = tags.filter(|tag| semver::is_valid(tag.0)).collect();
        semver::sort(&mut tags);
        let equal = tags.chunk_by(|a, b| semver::compare(a.0, b.0).is_eq());
        let highest_first = equal.rev().flatten();
        let owned = highest_first.map(|Tagged(_, (tag, hash))| ((*tag).to_owned(), (*hash).to_owned()));
        owned.collect()
    }

    /// A checksum over all of it (`repoSum` of cmd/go). Names are quoted as Go does but for characters that do not
    /// print, which hardly a ref has.
    pub(super) fn sum(&self) -> String {
        let sum = self.sum.get_or_init(|| {
            let (mut sum, mut line) = (Sha256::new(), String::new());
            for at in &self.places {
                // Git allows neither a backslash nor control characters in names.
                let (name, hash) = (self.name(at).replace('"', "\\\""), self.hash(at));
                line.clear();
                let _ = writeln!(line, "\"{name}\" {hash}");
                sum.update(&line);
            }
            format!("r1:{}", BASE64_STANDARD.encode(sum.finalize()))
        });
        sum.clone()
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
        let refs = Refs::parse(text.as_bytes(), 100).expect("few");
        assert_eq!(
            refs.tags().collect::<Vec<_>>(),
            [("v1", one.as_str()), ("v2", two.as_str())]
        );
        assert_eq!(refs.len(), 4);
        assert_eq!(
            refs.with_prefix("1111111").into_iter().collect::<Vec<_>>(),
            [(one.as_str(), "HEAD")]
        );
    }

    #[test]
    fn there_are_not_too_many_and_the_later_of_two_counts() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let mut reader = RefsReader::new(3);
        let lines = [
            format!("{one} refs/tags/v2 peeled:{two}\n"),
            format!("{one} refs/heads/main\n"),
            format!("{one} refs/pull/1/head\n"),
            format!("{two} refs/heads/main\n"),
        ];
        for line in &lines {
            assert_eq!(reader.add_line(line.as_bytes()), Ok(()), "{line}");
        }
        assert_eq!(reader.add_line(lines[0].as_bytes()), Err(TooManyRefs));
        let refs = reader.finish();
        assert_eq!((refs.len(), refs.get("refs/heads/main")), (2, Some(&*two)));
        assert_eq!(refs.get("refs/tags/v2"), Some(&*two));
        assert_eq!(refs.unpeeled("refs/tags/v2"), Some(&*one));
        assert_eq!(refs.list("v").list.len(), 1);
        assert!(refs.list("v3").list.is_empty() && !refs.is_empty());
    }

    #[test]
    fn versions_come_from_the_highest_down() {
        let hash = "1".repeat(40);
        let mut reader = RefsReader::new(100);
        for tag in [
            "a/v1.9.0",
            "a/v1.10.0",
            "a/v1.9.0+b",
            "a/v2",
            "a/w1",
            "b/v3.0.0",
            "v4.0.0",
        ] {
            let line = format!("{hash} refs/tags/{tag}");
            assert_eq!(reader.add_line(line.as_bytes()), Ok(()));
        }
        let versions = reader.finish().versions("a/");
        let names: Vec<&str> = versions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a/v2", "a/v1.10.0", "a/v1.9.0", "a/v1.9.0+b"]);
    }

    proptest! {
        #[test]
        fn never_panics(lines in prop::collection::vec(
            "(ref: )?[0-9a-f]{0,3}([0-9a-f]{40}|[0-9a-f]{64})?\t?(HEAD|refs/(heads|tags)/.{0,8})(\\^\\{\\})?", 0..20,
        )) {
            let refs = Refs::parse(lines.join("\n").as_bytes(), 100).expect("few");
            for (_, hash) in refs.tags() {
                prop_assert!(is_whole_hash(hash));
            }
            prop_assert!(refs.sum().starts_with("r1:"));
        }

        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Refs::parse(&bytes, 100);
        }
    }
}
