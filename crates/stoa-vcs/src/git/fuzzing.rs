//! What must hold of what is read of git's output, whatever it is.

use super::commit::Commit;
use super::refs::{Refs, is_whole_hash};
use super::tree::{self, Found};

/// `git ls-remote`.
///
/// # Panics
///
/// If what is understood of it is not understood again, or names what cannot be.
pub fn refs(printed: &[u8]) {
    let refs = Refs::parse(printed, usize::MAX).expect("no bound");
    let mut again = String::new();
    for (name, hash) in refs.tags() {
        assert!(
            is_whole_hash(hash) && !name.contains(['\n', '\t']) && !name.ends_with("^{}"),
            "{name:?}"
        );
        assert_eq!(refs.get(&format!("refs/tags/{name}")), Some(hash));
        again += &format!("{hash}\trefs/tags/{name}\n");
    }
    assert!(
        Refs::parse(again.as_bytes(), usize::MAX)
            .expect("no bound")
            .tags()
            .eq(refs.tags()),
        "tags change when they are read again"
    );
    assert_eq!(refs.list("").list.len(), refs.tags().count());
    assert!(refs.sum().starts_with("r1:"));
}

/// A commit of `git cat-file`.
///
/// # Panics
///
/// If its tree is no hash.
pub fn commit(bytes: &[u8]) {
    if let Ok(commit) = Commit::parse(bytes) {
        assert!(is_whole_hash(&commit.tree));
    }
}

/// An entry of a tree.
///
/// # Panics
///
/// If it is found where it is not, or not found where it is.
pub fn find(tree: &[u8], name: &[u8], width: usize) {
    if let Ok(Some(found)) = tree::find(tree, name, width) {
        assert!(is_whole_hash(&found.id) && found.id.len() == 2 * width);
        let name = &name[..name.len() - found.rest.len()];
        let name = name.strip_suffix(b"/").unwrap_or(name);
        assert!(tree.windows(name.len().max(1)).any(|part| part == name));
    }
    if !name.is_empty() && !name.contains(&0) {
        let mut longer = b"100644 ".to_vec();
        longer.extend_from_slice(name);
        longer.push(0);
        longer.resize(longer.len() + width, 7);
        longer.extend_from_slice(tree);
        let first = Found {
            mode: tree::Mode::Blob,
            id: "07".repeat(width),
            rest: &[],
        };
        let found = tree::find(&longer, name, width);
        assert_eq!(found, Ok(Some(first)), "the first entry is not found");
    }
}
