//! Commits and trees, as git stores them.

/// What of a commit matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The tree of its files.
    pub(super) tree: String,
    /// When it was committed, in seconds since 1970.
    pub(super) time: i64,
}

impl Commit {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .take_while(|line| !line.is_empty());
        let tree = lines.next()?.strip_prefix(b"tree ")?;
        let tree = String::from_utf8(tree.to_vec()).ok()?;
        let committer = lines.find_map(|line| line.strip_prefix(b"committer "))?;
        let end = committer.iter().rposition(|byte| *byte == b'>')?;
        let time = std::str::from_utf8(&committer[end + 1..]).ok()?;
        let time = time.split_ascii_whitespace().next()?.parse().ok()?;
        super::refs::is_whole_hash(&tree).then_some(Self { tree, time })
    }
}

/// What a tree says something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Tree,
    /// A regular file or a symbolic link.
    Blob,
    /// A commit of another repository.
    Submodule,
}

/// The entry `name` of a tree with hashes of `width` bytes.
pub(super) fn find(tree: &[u8], name: &[u8], width: usize) -> Option<(Mode, String)> {
    let mut rest = tree;
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let nul = space + rest[space..].iter().position(|byte| *byte == 0)?;
        let hash = rest.get(nul + 1..nul + 1 + width)?;
        if &rest[space + 1..nul] == name {
            let mode = match &rest[..space] {
                b"40000" | b"040000" => Mode::Tree,
                b"160000" => Mode::Submodule,
                _ => Mode::Blob,
            };
            return Some((mode, hex(hash)));
        }
        rest = &rest[nul + 1 + width..];
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(digit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_committer() {
        let tree = "a".repeat(40);
        let text = format!(
            "tree {tree}\nparent {tree}\nauthor A > <a@b> 1 +0000\ncommitter C <c@d> 1523994202 -0700\ngpgsig x\n\n\
             committer No <n@o> 7 +0000\n"
        );
        assert_eq!(
            Commit::parse(text.as_bytes()),
            Some(Commit {
                tree,
                time: 1_523_994_202
            })
        );
        assert_eq!(Commit::parse(b"tree x\n"), None);
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), name in "[ab]{0,2}") {
            let _ = find(&bytes, name.as_bytes(), 20);
            let _ = Commit::parse(&bytes);
        }
    }
}
