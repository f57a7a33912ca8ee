//! Reading strings of go.mod files.

use std::borrow::Cow;

use crate::unicode::decode;

/// Why a token is no string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StringError {
    /// It starts with a quote and is no string literal of Go (`strconv.ErrSyntax`).
    #[error("invalid syntax")]
    Syntax,
    /// It has quotes and does not start with a double one; Go keeps such tokens for the future.
    #[error("unquoted string cannot contain quote")]
    StrayQuote,
}

/// The string a token of a go.mod line stands for: what a string literal quotes, or the token itself.
pub(super) fn parse_string(token: &str) -> Result<Cow<'_, str>, StringError> {
    if token.starts_with('"') {
        unquote(token.as_bytes())
            .map(into_text)
            .ok_or(StringError::Syntax)
    } else if token.contains(['"', '\'', '`']) {
        Err(StringError::StrayQuote)
    } else {
        Ok(Cow::Borrowed(token))
    }
}

/// The bytes that a literal in double quotes or backquotes stands for (`strconv.Unquote`); `None` if the text is no such literal.
pub(super) fn unquote(literal: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [quote, inner @ .., last] = literal else {
        return None;
    };
    if quote != last {
        return None;
    }
    match quote {
        b'`' if inner.contains(&b'`') => None,
        b'`' if !inner.contains(&b'\r') => Some(Cow::Borrowed(inner)),
        b'`' => Some(Cow::Owned(
            inner.iter().copied().filter(|&b| b != b'\r').collect(),
        )),
        b'"' if inner.contains(&b'"') || inner.contains(&b'\n') || inner.contains(&b'\\') => unescape(inner),
        b'"' => Some(into_valid(inner)),
        _ => None,
    }
}

/// Text for bytes that may not be UTF-8; what is not becomes U+FFFD, which no module path or version has.
pub(super) fn into_text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn into_valid(bytes: &[u8]) -> Cow<'_, [u8]> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(_) => Cow::Borrowed(bytes),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn unescape(mut inner: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut bytes = Vec::with_capacity(inner.len());
    while let [first, rest @ ..] = inner {
        match first {
            b'"' | b'\n' => return None,
            b'\\' => inner = unescape_one(rest, &mut bytes)?,
            _ => {
                let (c, width) = decode(inner);
                push_char(&mut bytes, c.unwrap_or(char::REPLACEMENT_CHARACTER));
                inner = &inner[width..];
            }
        }
    }
    Some(Cow::Owned(bytes))
}

/// Reads what follows a backslash, and gives what follows that.
fn unescape_one<'a>(escape: &'a [u8], bytes: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&kind, rest) = escape.split_first()?;
    let simple = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'"' => kind,
        b'x' => u8::try_from(number(rest.get(..2)?, 16)?).ok()?,
        b'u' => return unescape_char(rest, 4, bytes),
        b'U' => return unescape_char(rest, 8, bytes),
        b'0'..=b'7' => {
            bytes.push(u8::try_from(number(escape.get(..3)?, 8)?).ok()?);
            return escape.get(3..);
        }
        _ => return None,
    };
    bytes.push(simple);
    if kind == b'x' { rest.get(2..) } else { Some(rest) }
}

fn unescape_char<'a>(digits: &'a [u8], width: usize, bytes: &mut Vec<u8>) -> Option<&'a [u8]> {
    push_char(bytes, char::from_u32(number(digits.get(..width)?, 16)?)?);
    digits.get(width..)
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0u32, |number, &digit| {
        number
            .checked_mul(radix)?
            .checked_add(char::from(digit).to_digit(radix)?)
    })
}

fn push_char(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::{StringError, parse_string, unquote};

    #[test]
    fn literals_unquote_like_go() {
        for (literal, bytes) in [
            (r#""""#, &b""[..]),
            (r#""a b""#, b"a b"),
            (r#""\a\b\f\n\r\t\v\\\"""#, b"\x07\x08\x0c\n\r\t\x0b\\\""),
            (r#""\x41\101\u0041\U00000041\xff""#, b"AAAA\xff"),
            (r#""\u00e9""#, "é".as_bytes()),
            ("``", b""),
            ("`a\\n\r\"b`", b"a\\n\"b"),
        ] {
            assert_eq!(unquote(literal.as_bytes()).as_deref(), Some(bytes), "{literal}");
        }
        let invalid = [
            "",
            "\"",
            "`",
            "x",
            "\"a",
            "a\"",
            "\"a`",
            "\"a\nb\"",
            r#""a"b""#,
            r#""\'""#,
            r#""\q""#,
            r#""\x4""#,
            r#""\400""#,
            r#""\ud800""#,
            r#""\U00110000""#,
            r#""\"#,
            r#""\""#,
            "`a`b`",
            "'a'",
        ];
        for literal in invalid {
            assert_eq!(unquote(literal.as_bytes()), None, "{literal}");
        }
    }

    #[test]
    fn tokens_are_strings_unless_quotes_are_astray() {
        assert_eq!(parse_string("a/b").as_deref(), Ok("a/b"));
        assert_eq!(parse_string("\"a b\"").as_deref(), Ok("a b"));
        assert_eq!(parse_string("\"a"), Err(StringError::Syntax));
        for token in ["`a`", "'a'", "a\"b\""] {
            assert_eq!(parse_string(token), Err(StringError::StrayQuote), "{token}");
        }
    }
}
