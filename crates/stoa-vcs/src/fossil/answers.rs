//! What Fossil prints.

use crate::clock::date_time;
use crate::process::Output;
use crate::{Revision, RevisionId, Step, VcsError, VcsKind};

/// Whether each question of a verbose exchange was answered by something, and the exchange came to its end without a
/// complaint. An answer always has cards: at the least it says which version the server has.
pub(super) fn is_whole(output: &Output) -> bool {
    // Another clock is the only thing that is complained about and changes nothing.
    let complaints = output.said.split(';').filter(|line| !line.contains("time skew"));
    if complaints.into_iter().any(|line| !line.trim().is_empty()) {
        return false;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let asked = text.matches(WAITING).count();
    let some = |row: &&str| {
        let counts = row.strip_prefix("Received: ");
        let cards = counts.and_then(|counts| counts.split_whitespace().nth(1));
        cards.is_some_and(|cards| cards.parse::<u64>().is_ok_and(|cards| cards > 0))
    };
    let answered = text.split(['\r', '\n']).filter(some).count();
    let is_done = |row: &str| row.starts_with("Pull done") || row.starts_with("Clone done");
    asked > 0 && asked == answered && text.lines().any(is_done)
}

/// What is printed before each answer.
const WAITING: &str = "waiting for server...";

/// Whether it failed because there is no such check-in.
pub(super) fn is_unknown(output: &Output) -> bool {
    let said = &output.said;
    said.contains("cannot resolve name")
        || said.contains("ambiguous name")
        || said.contains("no such object")
        || said.contains("no such check-in")
}

/// The check-in of `fossil info`.
pub(super) fn revision(name: &str, printed: &[u8]) -> Result<Revision, VcsError> {
    let text = String::from_utf8_lossy(printed);
    let strange = || VcsError::Failed {
        vcs: VcsKind::Fossil,
        step: Step::Revision,
        said: "fossil info printed something else than a check-in".to_owned(),
    };
    let is_hash = |line: &&str| line.starts_with("hash:") || line.starts_with("uuid:");
    // A line that is cut off has not come.
    let (whole, _) = text.rsplit_once('\n').ok_or_else(strange)?;
    let line = whole.lines().find(is_hash).ok_or_else(strange)?;
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, hash, date, clock, "UTC"] = fields[..] else {
        return Err(strange());
    };
    let digits = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = RevisionId::new(hash).filter(|_| digits).ok_or_else(strange)?;
    let given = name.len() >= 12 && hash.starts_with(name);
    Ok(Revision {
        short: hash[..12].to_owned(),
        version: hash.to_owned(),
        id,
        time: date_time(date, clock).ok_or_else(strange)?,
        tags: Vec::new(),
        reference: (!given).then(|| name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PULLED: &[u8] = b"                Bytes      Cards  Artifacts     Deltas\nwaiting for server...\rSent:             174          1          0          0\n\
        \rprocessed: 28%         \rReceived:         155          3          0          0\nPull done, wire bytes sent: 307  received: 349  remote: h\n";

    #[test]
    fn an_exchange_is_whole_or_not() {
        let is_whole = |stdout: &[u8], said: &str| {
            super::is_whole(&Output {
                code: Some(0),
                stdout: stdout.to_vec(),
                said: said.to_owned(),
            })
        };
        assert!(is_whole(PULLED, ""));
        assert!(is_whole(PULLED, "*** time skew *** server is fast by 2 days"));
        assert!(!is_whole(PULLED, "unknown command: ["));
        let done = PULLED
            .windows(9)
            .position(|part| part == b"Pull done")
            .expect("the end");
        for end in 0..done + 9 {
            assert!(!is_whole(&PULLED[..end], ""), "{end}");
        }
        let text = String::from_utf8_lossy(PULLED);
        let nothing = text.replace("155          3", "0          0");
        assert!(!is_whole(nothing.as_bytes(), ""));
        let none = text.replace("Received:         155          3          0          0", "");
        assert!(!is_whole(none.as_bytes(), ""));
    }

    #[test]
    fn a_check_in_that_is_cut_off_is_none() {
        let printed = b"hash:         3100dcdb34e82f20b9f2cb7fb634e7c757d9c4c8 2020-02-02 02:02:02 UTC\ntags:         trunk\n";
        let whole = revision("trunk", printed).expect("a check-in");
        for end in 0..printed.len() {
            let cut = revision("trunk", &printed[..end]);
            assert!(
                cut.as_ref() == Ok(&whole) || matches!(cut, Err(VcsError::Failed { .. })),
                "{end}: {cut:?}"
            );
        }
    }
}
