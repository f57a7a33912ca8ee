//! What Subversion prints, and what it is given.

use std::fmt::Write as _;

use crate::clock::date_time;
use crate::{Revision, RevisionId, Step, VcsError, VcsKind};

/// A path as a URL has it.
pub(super) fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// A revision string as a number, or `HEAD`.
pub(super) fn number(name: &str) -> Option<String> {
    if name.eq_ignore_ascii_case("HEAD") {
        return Some("HEAD".to_owned());
    }
    let digits = name.trim_start_matches('r');
    let number: u32 = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())??;
    Some(number.to_string())
}

/// Whether the server said that there is no such thing: a revision, a path, a repository.
pub(super) fn is_missing(said: &str) -> bool {
    // What could not be reached may be there.
    let unreachable = ["E000", "E670", "E120", "E170001", "E175013", "E210002"];
    let missing = [
        "E160006", "E160013", "W160013", "E170000", "E210005", "E180001", "E200009", "E205000",
    ];
    missing.iter().any(|code| said.contains(code)) && !unreachable.iter().any(|code| said.contains(code))
}

/// The commit of `svn log --xml`.
pub(super) fn revision(name: &str, printed: &[u8], url: &str) -> Result<Revision, VcsError> {
    let text = String::from_utf8_lossy(printed);
    let text = whole(&text, "</log>").ok_or_else(|| strange("log", Step::Revision))?;
    let Some((_, entry)) = text.split_once("<logentry") else {
        return Err(VcsError::NoCommits { url: url.to_owned() });
    };
    let number = between(entry, "revision=\"", "\"").and_then(|number| number.parse::<u64>().ok());
    let date = between(entry, "<date>", "</date>").and_then(|date| {
        let (day, clock) = date.strip_suffix('Z')?.split_once('T')?;
        date_time(day, clock)
    });
    let (number, time) = number.zip(date).ok_or_else(|| strange("log", Step::Revision))?;
    let id = RevisionId::new(number.to_string()).ok_or_else(|| strange("log", Step::Revision))?;
    Ok(Revision {
        short: format!("{number:012}"),
        version: id.as_str().to_owned(),
        id,
        time,
        tags: Vec::new(),
        reference: Some(name.to_owned()),
    })
}

/// What `svn list --xml` lists, in its order; folders end with `/`.
pub(super) fn names(printed: &[u8]) -> Result<Vec<String>, VcsError> {
    let text = std::str::from_utf8(printed).ok();
    let text = text.and_then(|text| whole(text, "</lists>"));
    let text = text.ok_or_else(|| strange("list", Step::Access))?;
    let name = |entry: &str| {
        let end = match between(entry, "kind=\"", "\"")? {
            "dir" => "/",
            _ => "",
        };
        let name = plain(between(entry, "<name>", "</name>")?)?;
        Some(format!("{name}{end}"))
    };
    let names = text.split("<entry").skip(1).map(name);
    names
        .collect::<Option<_>>()
        .ok_or_else(|| strange("list", Step::Access))
}

/// The files of `svn list --xml`, with their sizes, in its order.
pub(super) fn files(printed: &[u8]) -> Result<Vec<(String, u64)>, VcsError> {
    let text = std::str::from_utf8(printed).ok();
    let text = text.and_then(|text| whole(text, "</lists>"));
    let text = text.ok_or_else(|| strange("list", Step::Archive))?;
    let mut files = Vec::new();
    for entry in text.split("<entry").skip(1) {
        let kind = between(entry, "kind=\"", "\"").ok_or_else(|| strange("list", Step::Archive))?;
        if kind != "file" {
            continue;
        }
        let name = between(entry, "<name>", "</name>").and_then(plain);
        let size = between(entry, "<size>", "</size>").and_then(|size| size.parse().ok());
        files.push(name.zip(size).ok_or_else(|| strange("list", Step::Archive))?);
    }
    Ok(files)
}

/// The text before its last tag, if that is there.
fn whole<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.trim_end().strip_suffix(end)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// The text that escaped XML stands for.
fn plain(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, reference)) = rest.split_once('&') {
        text.push_str(before);
        let (name, after) = reference.split_once(';')?;
        text.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let number = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(number)?
            }
        });
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

fn strange(command: &str, step: Step) -> VcsError {
    VcsError::Failed {
        vcs: VcsKind::Svn,
        step,
        said: format!("svn {command} printed something that is not understood"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (name, number_) in [("1", "1"), ("000000000012", "12"), ("r7", "7"), ("head", "HEAD")] {
            assert_eq!(number(name).as_deref(), Some(number_), "{name}");
        }
        for name in [
            "",
            "r",
            "-1",
            "1.0",
            "v1.0.0",
            "{2020-01-01}",
            "1/../x@2",
            "BASE",
            "99999999999999",
        ] {
            assert_eq!(number(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_decoded() {
        let xml =
            b"<entry\n   kind=\"file\">\n<name>a&amp;&lt;b&#x41;&gt;/\xc3\xa9</name>\n<size>3</size></entry>\
            <entry\n   kind=\"dir\">\n<name>d</name></entry></lists>\n";
        assert_eq!(files(xml), Ok(vec![("a&<bA>/\u{e9}".to_owned(), 3)]));
        assert_eq!(names(xml), Ok(vec!["a&<bA>/\u{e9}".to_owned(), "d/".to_owned()]));
        assert!(files(b"<entry\n   kind=\"file\">\n<name>a&bad;</name><size>3</size></lists>").is_err());
        assert!(files(b"<entry\n   kind=\"file\">\n<name>a</name></lists>").is_err());
        assert_eq!(encoded("a%20b@c d/\u{e9}"), "a%2520b%40c%20d/%C3%A9");
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let list = b"<?xml version=\"1.0\"?>\n<lists>\n<list\n   path=\"u\">\n<entry\n   kind=\"file\">\n<name>a</name>\n\
            <size>3</size>\n</entry>\n</list>\n</lists>\n";
        let log = b"<?xml version=\"1.0\"?>\n<log>\n<logentry\n   revision=\"12\">\n<author>a</author>\n\
            <date>2017-09-22T01:12:45.861368Z</date>\n</logentry>\n</log>\n";
        assert_eq!(
            revision("12", log, "u").map(|found| found.short),
            Ok("000000000012".to_owned())
        );
        assert_eq!(files(list), Ok(vec![("a".to_owned(), 3)]));
        for end in 0..list.len() - 1 {
            assert!(
                files(&list[..end]).is_err() && names(&list[..end]).is_err(),
                "{end}"
            );
        }
        for end in 0..log.len() - 1 {
            let cut = revision("12", &log[..end], "u");
            assert!(matches!(cut, Err(VcsError::Failed { .. })), "{end}: {cut:?}");
        }
    }
}
