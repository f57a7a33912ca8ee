//! Commits, as git stores them and as `git log` reads them.

/// What of a commit matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The tree of its files.
    pub(super) tree: String,
    /// When it was committed, in seconds since 1970.
    pub(super) time: i64,
}

impl Commit {
    /// Reads a commit as the go command gets to know it: by `git log --format=%ct`, whose answer it parses as a 64-bit number.
    /// The error says what the author has to mend.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        // To git a NUL ends a line.
        let lines = bytes.split(|byte| matches!(byte, b'\n' | 0));
        let mut lines = lines.take_while(|line| !line.is_empty());
        let tree = lines.next().and_then(|line| line.strip_prefix(b"tree "));
        let tree = tree.and_then(|tree| String::from_utf8(tree.to_ascii_lowercase()).ok());
        let tree = tree.filter(|tree| super::refs::is_whole_hash(tree));
        let tree = tree.ok_or("it does not begin with a tree")?;
        // Of several lines the last one counts.
        let committer = lines.filter_map(|line| line.strip_prefix(b"committer ")).last();
        let digits = time(committer.ok_or("it has no committer")?);
        let digits = digits.ok_or("its committer line has no time with a time zone")?;
        let time = digits.parse().map_err(|_| "its time is out of range")?;
        Ok(Self { tree, time })
    }
}

/// The digits of the time of a committer line: what follows its last `>`, if a mail address in angle brackets comes before
/// and a time zone after it (`split_ident_line` in git).
fn time(line: &[u8]) -> Option<&str> {
    let mail = line.iter().position(|byte| *byte == b'<')?;
    line[mail..].iter().position(|byte| *byte == b'>')?;
    let end = line.iter().rposition(|byte| *byte == b'>')?;
    let (digits, rest) = digits(trim(&line[end + 1..]))?;
    let zone = trim(rest)
        .strip_prefix(b"+")
        .or_else(|| trim(rest).strip_prefix(b"-"))?;
    self::digits(zone)?;
    std::str::from_utf8(digits).ok()
}

/// The digits at the beginning, of which there must be one, and what follows them.
fn digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| text.split_at(count))
}

/// Without the space that git skips; form feeds are none.
fn trim(text: &[u8]) -> &[u8] {
    let space = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\r' | b'\n');
    &text[text.iter().take_while(space).count()..]
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
            Ok(Commit {
                tree,
                time: 1_523_994_202
            })
        );
        assert!(Commit::parse(b"tree x\n").is_err());
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Commit::parse(&bytes);
            let _ = time(&bytes);
        }
    }
}
