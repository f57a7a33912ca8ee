//! What Bazaar prints, and what it is asked for.

use crate::clock::{date_time, offset};
use crate::{Revision, RevisionId, Step, VcsError, VcsKind};

/// The revision as Bazaar should look for it, if it is one that is looked for in the branch only.
pub(super) fn spec(name: &str) -> Option<String> {
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let all = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (all && digits.starts_with(|first: char| first.is_ascii_digit())).then(|| text.to_owned())
    };
    let token = |text: &str| {
        let good = |byte: u8| byte.is_ascii_graphic() && byte != b'/' || byte >= 0x80;
        (!text.is_empty() && text.bytes().all(good)).then(|| text.to_owned())
    };
    match name.split_once(':') {
        Some(("revno", rest)) => Some(format!("revno:{}", number(rest)?)),
        Some(("last", rest)) => Some(format!("last:{}", number(rest)?)),
        Some(("revid", rest)) => Some(format!("revid:{}", token(rest)?)),
        Some(("tag", rest)) => Some(format!("tag:{rest}")),
        _ => number(name).map(|number| format!("revno:{number}")),
    }
}

/// The names of a list of tags: all of a line but the revision, which is its last word.
pub(super) fn tags(printed: &[u8]) -> Result<Vec<String>, VcsError> {
    let text = String::from_utf8_lossy(printed);
    let strange = || VcsError::Failed {
        vcs: VcsKind::Bzr,
        step: Step::Access,
        said: "bzr tags did not print whole lines".to_owned(),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(strange());
    }
    let name = |line: &str| {
        let (name, _) = line.trim_end().rsplit_once(' ')?;
        Some(name.trim_end().to_owned())
    };
    let names: Option<Vec<String>> = text.lines().map(name).collect();
    let mut names = names.ok_or_else(strange)?;
    names.sort();
    Ok(names)
}

/// The commit of `bzr log --long`.
pub(super) fn revision(name: &str, printed: &[u8]) -> Result<Revision, VcsError> {
    let text = String::from_utf8_lossy(printed);
    let strange = || VcsError::Failed {
        vcs: VcsKind::Bzr,
        step: Step::Revision,
        said: "bzr log printed something else than a commit".to_owned(),
    };
    let (mut number, mut time, mut tags, mut whole) = (None, None, Vec::new(), false);
    for line in text.split_inclusive('\n').filter(|line| !line.starts_with('-')) {
        let line = line.trim_end();
        let Some((key, value)) = line.split_once(": ") else {
            // After the last header comes the message.
            whole = line == "message:";
            break;
        };
        match key {
            "revno" => number = value.split(' ').next(),
            "timestamp" => time = timestamp(value),
            "tags" => tags = value.split(", ").map(str::to_owned).collect(),
            _ => {}
        }
    }
    tags.sort();
    let number = number.and_then(|digits| digits.parse::<u64>().ok());
    let (number, time) = number
        .filter(|&number| number > 0 && whole)
        .zip(time)
        .ok_or_else(strange)?;
    let id = RevisionId::new(number.to_string()).ok_or_else(strange)?;
    let asked = name.strip_prefix("tag:").unwrap_or(name);
    let is_tag = tags.iter().any(|tag| tag == asked);
    Ok(Revision {
        short: format!("{number:012}"),
        version: if is_tag { asked } else { id.as_str() }.to_owned(),
        id,
        time,
        tags,
        reference: Some(name.to_owned()),
    })
}

/// The time of `Fri 2017-09-22 01:20:12 +0000`.
fn timestamp(value: &str) -> Option<std::time::SystemTime> {
    let mut words = value.split_whitespace().skip(1);
    let (date, clock, zone) = (words.next()?, words.next()?, words.next()?);
    let ahead = offset(zone)?;
    let span = std::time::Duration::from_secs(ahead.unsigned_abs());
    let local = date_time(date, clock)?;
    if ahead < 0 {
        local.checked_add(span)
    } else {
        local.checked_sub(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let log = b"------------------------------------------------------------\nrevno: 12\nrevision-id: a@b-2017-x\n\
            tags: v1.0.0, v1.1.0\ncommitter: stoa <stoa@localhost>\nbranch nick: r\n\
            timestamp: Thu 2017-09-21 21:20:12 -0400\nmessage:\n  one\n";
        let whole = revision("12", log).expect("a commit");
        assert_eq!(whole.tags, ["v1.0.0", "v1.1.0"]);
        for end in 0..log.len() {
            let cut = revision("12", &log[..end]);
            let is_right = cut.as_ref() == Ok(&whole) && end > log.len() - 8;
            assert!(
                is_right || matches!(cut, Err(VcsError::Failed { .. })),
                "{end}: {cut:?}"
            );
        }
        let list = b"a tag                1\nv1.0.0               ?\n";
        assert_eq!(tags(list), Ok(vec!["a tag".to_owned(), "v1.0.0".to_owned()]));
        // Between lines nothing can be seen: there the exit code counts.
        for end in (1..list.len()).filter(|end| *end != 23) {
            assert!(tags(&list[..end]).is_err(), "{end}");
        }
    }
}
