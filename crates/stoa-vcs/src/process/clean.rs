//! What a program printed, made fit for an error.

use crate::error::says_full;

/// The longest text, in bytes.
const LONGEST: usize = 400;

/// How much of the end of what a program prints is looked at, in bytes.
pub(super) const TAIL: usize = 16 * 1024;

/// What a secret is replaced by.
const CUT: &str = "[cut]";

/// The last lines of `printed` in one line of at most some hundred bytes, without control characters, and with every
/// one of `secrets` and every URL's user and password cut out.
pub fn clean(printed: &[u8], secrets: &[String]) -> String {
    let mut text = String::from_utf8_lossy(printed).into_owned();
    let mut secrets: Vec<&String> = secrets.iter().filter(|secret| !secret.is_empty()).collect();
    // The longest first: one may be a part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        text = text.replace(secret.as_str(), CUT);
    }
    let text = without_userinfo(&text);
    let lines = text.split(['\n', '\r']).map(|line| {
        let shown = line.chars().map(|c| if c.is_control() { ' ' } else { c });
        shown.collect::<String>().trim().to_owned()
    });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let end = shorten(&lines);
    // A program may stumble over a full disk once more when it cleans up, and say much about that.
    let full = lines.iter().find(|line| says_full(line));
    match full {
        Some(line) if !says_full(&end) => {
            let line = &line[..line.floor_char_boundary(LONGEST / 4)];
            format!("{line}; {end}")
        }
        _ => end,
    }
}

/// As many of the last lines as fit, in their order.
fn shorten(lines: &[String]) -> String {
    let mut from = lines.len();
    let mut length = 0;
    while from > 0 && length + lines[from - 1].len() + 2 <= LONGEST {
        from -= 1;
        length += lines[from].len() + 2;
    }
    if from == lines.len() && from > 0 {
        let line = &lines[from - 1];
        let end = line.floor_char_boundary(LONGEST);
        return format!("{}...", &line[..end]);
    }
    lines[from..].join("; ")
}

/// Cuts what is between `://` and the last `@` of each URL's authority.
fn without_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let ends = |c: char| c == '/' || c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>');
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        let userinfo = authority.rfind('@').map_or(0, |found| found + 1);
        rest = &after[userinfo..];
    }
    out.push_str(rest);
    out
}

/// The end of what a program prints, held in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Tail {
    held: Vec<u8>,
}

impl Tail {
    /// Takes more of it.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        if self.held.len() > 2 * TAIL {
            // Drop a line that lost its beginning as a whole: the rest of a secret could not be recognised.
            let from = self.held.len() - TAIL;
            let line = self.held[from..]
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'));
            self.held
                .drain(..line.map_or(self.held.len(), |line| from + line));
        }
    }

    /// The end of it, cleaned.
    pub(super) fn clean(&self, secrets: &[String]) -> String {
        clean(&self.held, secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_not_lost_in_what_came_of_it() {
        let said = format!(
            "abort: No space left on device\nTraceback\n{}last: cannot\n",
            "  File x, in y\n".repeat(100)
        );
        let text = clean(said.as_bytes(), &[]);
        assert!(text.starts_with("abort: No space left on device; "), "{text}");
        assert!(text.ends_with("last: cannot") && text.len() < 600, "{text}");
        let said = format!(
            "remote: No space left on device\n{}",
            "  File x, in y\n".repeat(100)
        );
        assert!(!clean(said.as_bytes(), &[]).contains("space"));
    }

    #[test]
    fn cuts_secrets_and_userinfo() {
        let said =
            b"fatal: unable to access 'https://user:p@ss@h.example/r.git/': hunter2\x1b[31m\r\nhttp://x@y/";
        let text = clean(said, &["hunter2".to_owned()]);
        assert_eq!(
            text,
            "fatal: unable to access 'https://h.example/r.git/': [cut] [31m; http://y/"
        );
    }

    #[test]
    fn is_short_and_whole() {
        let many = "a line that says little\n".repeat(100) + "the last";
        let text = clean(many.as_bytes(), &[]);
        assert!(text.len() <= LONGEST && text.ends_with("; the last"), "{text}");
        let long = clean("ü".repeat(1000).as_bytes(), &[]);
        assert!(long.len() <= LONGEST + 3 && long.ends_with("ü..."));
        assert_eq!(clean(b"\n \n", &[]), "");
    }

    #[test]
    fn a_tail_loses_whole_lines() {
        let mut tail = Tail::default();
        tail.push(&b"x".repeat(3 * TAIL));
        tail.push(b"half a secret\nlast");
        assert_eq!(tail.clean(&[]), "half a secret; last");
        let mut tail = Tail::default();
        for _ in 0..4000 {
            tail.push(b"0123456789\n");
        }
        assert!(tail.held.len() <= 2 * TAIL && tail.held.starts_with(b"\n0123456789"));
    }
}
