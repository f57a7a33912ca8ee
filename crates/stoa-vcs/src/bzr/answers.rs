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
pub(super) fn tags(printed: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(printed);
    let names = text.lines().filter_map(|line| line.trim_end().rsplit_once(' '));
    let mut names: Vec<String> = names.map(|(name, _)| name.trim_end().to_owned()).collect();
    names.sort();
    names
}

/// The commit of `bzr log --long`.
pub(super) fn revision(name: &str, printed: &[u8]) -> Result<Revision, VcsError> {
    let text = String::from_utf8_lossy(printed);
    let strange = || VcsError::Failed {
        vcs: VcsKind::Bzr,
        step: Step::Revision,
        said: "bzr log printed something else than a commit".to_owned(),
    };
    let (mut number, mut time, mut tags) = (None, None, Vec::new());
    for line in text.lines().filter(|line| !line.starts_with('-')) {
        let Some((key, value)) = line.split_once(": ") else {
            // After the last header comes the message.
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
        .filter(|&number| number > 0)
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
