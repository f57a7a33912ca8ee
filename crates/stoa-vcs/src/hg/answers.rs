//! What Mercurial prints.

use std::fmt::Write as _;

use crate::address::unknown;
use crate::clock::seconds;
use crate::process::Output;
use crate::{Revision, RevisionId, Step, VcsError, VcsKind};

/// What is asked of a commit: its hash, its time, its tags, a line each.
pub(super) const TEMPLATE: &str = "{node}\\n{date|hgdate}\\n{tags % \"{tag}\\n\"}";

/// What follows all that is printed by a template, so that it shows whether all has come.
pub(super) const END: &[u8] = b"\nend";

/// The options to print by this template, and the end.
pub(super) fn template(text: &str) -> [String; 4] {
    [
        format!("--config=templates.stoa={text}"),
        "--config=templates.stoa:docfooter=\\nend".to_owned(),
        "--template".to_owned(),
        "stoa".to_owned(),
    ]
}

/// All that a template has printed, if it has come to its end.
pub(super) fn whole(step: Step, printed: &[u8]) -> Result<&[u8], VcsError> {
    printed.strip_suffix(END).ok_or_else(|| VcsError::Failed {
        vcs: VcsKind::Hg,
        step,
        said: "hg did not print all that it was asked for".to_owned(),
    })
}

/// A name as a string of Mercurial's query language, in which nothing has a meaning.
pub(super) fn quoted(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('\'');
    for c in name.chars() {
        if matches!(c, '\'' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// The option for the revision with this very name.
pub(super) fn rev(name: &str) -> String {
    format!("--rev={}", quoted(name))
}

/// Whether it failed because there is no such revision.
pub(super) fn is_unknown(output: &Output) -> bool {
    let said = &output.said;
    said.contains("unknown revision")
        || said.contains("ambiguous identifier")
        || said.contains("no match found")
        || said.contains("hidden revision")
        || said.contains("filtered revision")
}

/// The tags of a list with one in each line, sorted; without `tip`, which is none.
pub(super) fn tags(printed: &[u8]) -> Vec<String> {
    let lines = printed.split(|&byte| byte == b'\n');
    let names = lines.filter_map(|line| std::str::from_utf8(line).ok());
    let mut names: Vec<String> = names
        .filter(|name| !matches!(*name, "" | "tip"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The commit that `name` named, of what [`TEMPLATE`] printed.
pub(super) fn revision(name: &str, printed: &[u8]) -> Result<Revision, VcsError> {
    let mut lines = printed.splitn(3, |&byte| byte == b'\n');
    let mut line = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let (hash, time) = (line().unwrap_or_default(), line().unwrap_or_default());
    let rest = lines.next().unwrap_or_default();
    // The parent of the first commit, and the working tree: neither is a commit.
    if hash.is_empty() || hash.bytes().all(|byte| byte == b'0') || hash.bytes().all(|byte| byte == b'f') {
        return Err(unknown(name));
    }
    let strange = || VcsError::Failed {
        vcs: VcsKind::Hg,
        step: Step::Revision,
        said: "hg log printed something else than a commit".to_owned(),
    };
    let since = time.split(' ').next().and_then(|digits| digits.parse().ok());
    let time = since.and_then(seconds).ok_or_else(strange)?;
    let is_hash = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = RevisionId::new(hash).filter(|_| is_hash).ok_or_else(strange)?;
    let tags = tags(rest);
    let is_tag = tags.iter().any(|tag| tag == name);
    Ok(Revision {
        short: hash[..12].to_owned(),
        version: if is_tag { name } else { hash }.to_owned(),
        time,
        tags,
        reference: reference(name, hash),
        id,
    })
}

/// The name as a ref, unless it is a hash, or so much of one that nothing else is meant.
fn reference(name: &str, hash: &str) -> Option<String> {
    let is_hash = name.len() >= 12 && hash.starts_with(name);
    (!is_hash).then(|| name.to_owned())
}

/// Lower-case hexadecimal digits as bytes.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// A name, for messages.
pub(super) fn shown(name: &[u8]) -> String {
    name.iter().fold(String::new(), |mut text, &byte| {
        let _ = write!(text, "{}", byte.escape_ascii());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let printed = b"8cf857677f5d8cf857677f5d8cf857677f5d8cf857677f5d\n1000000000 0\nv1.0.0\n\nend";
        assert!(whole(Step::Revision, printed).is_ok());
        for end in 0..printed.len() {
            assert!(whole(Step::Revision, &printed[..end]).is_err(), "{end}");
        }
    }
}
