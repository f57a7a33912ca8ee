//! Conditional and range requests (RFC 9110, sections 13 and 14).

use http::{
    HeaderMap, Method,
    header::{IF_NONE_MATCH, IF_RANGE, RANGE},
};

/// What part of a representation a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// The client has it already.
    NotModified,
    /// Bytes `start..end`.
    Range { start: u64, end: u64 },
    /// A range outside of it.
    Unsatisfiable,
}

/// Decides for a representation of `len` bytes whose entity tag, quotes included, is `etag`.
///
/// Several ranges in one request are answered with the whole, which the RFC allows; ranges mean nothing but to `GET`.
pub(crate) fn part(method: &Method, headers: &HeaderMap, etag: &str, len: u64) -> Part {
    let tags = headers.get_all(IF_NONE_MATCH).iter();
    if tags
        .filter_map(|tags| tags.to_str().ok())
        .any(|tags| matches_any(tags, etag))
    {
        return Part::NotModified;
    }
    let range = headers.get(RANGE).filter(|_| *method == Method::GET);
    let Some(range) = range.and_then(|range| range.to_str().ok()) else {
        return Part::Whole;
    };
    // If-Range compares strongly; a date never matches, since none is sent.
    if headers
        .get(IF_RANGE)
        .is_some_and(|tag| tag.as_bytes() != etag.as_bytes())
    {
        return Part::Whole;
    }
    range_of(range, len).unwrap_or(Part::Whole)
}

fn matches_any(tags: &str, etag: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// `None` for what is to be ignored: other units, several ranges, bad syntax.
fn range_of(range: &str, len: u64) -> Option<Part> {
    let (first, last) = range.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (start, end) = match (first, last) {
        ("", suffix) => {
            let suffix = number(suffix)?;
            if suffix == 0 {
                return Some(Part::Unsatisfiable);
            }
            (len.saturating_sub(suffix), len)
        }
        (first, "") => (number(first)?, len),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(len))
        }
    };
    Some(if start < end {
        Part::Range { start, end }
    } else {
        Part::Unsatisfiable
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn decide(headers: &[(HeaderName, &'static str)]) -> Part {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        part(&Method::GET, &headers, "\"tag\"", 100)
    }

    #[test]
    fn an_etag_in_any_dress_is_not_modified() {
        for tags in ["\"tag\"", "W/\"tag\"", "\"x\", \"tag\"", "*"] {
            assert_eq!(decide(&[(IF_NONE_MATCH, tags)]), Part::NotModified, "{tags}");
        }
        assert_eq!(decide(&[(IF_NONE_MATCH, "\"tag2\"")]), Part::Whole);
    }

    #[test]
    fn tags_may_come_in_several_lines() {
        let mut headers = HeaderMap::new();
        for tags in ["\"tag\"", "\"x\""] {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(tags));
        }
        assert_eq!(part(&Method::GET, &headers, "\"tag\"", 100), Part::NotModified);
    }

    #[test]
    fn one_range_is_cut_and_bad_ones_are_ignored() {
        for (range, want) in [
            ("bytes=0-0", Part::Range { start: 0, end: 1 }),
            ("bytes=10-", Part::Range { start: 10, end: 100 }),
            ("bytes=90-1000", Part::Range { start: 90, end: 100 }),
            ("bytes=-5", Part::Range { start: 95, end: 100 }),
            ("bytes=-500", Part::Range { start: 0, end: 100 }),
            ("bytes=100-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", Part::Unsatisfiable),
            ("bytes=5-3", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("bytes=a-b", Part::Whole),
        ] {
            assert_eq!(decide(&[(RANGE, range)]), want, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_representation_gets_the_whole() {
        assert_eq!(
            decide(&[(RANGE, "bytes=0-0"), (IF_RANGE, "\"old\"")]),
            Part::Whole
        );
        assert_eq!(
            decide(&[(RANGE, "bytes=0-0"), (IF_RANGE, "\"tag\"")]),
            Part::Range { start: 0, end: 1 }
        );
    }
}
