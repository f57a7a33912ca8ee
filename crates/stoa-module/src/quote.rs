//! Text in quotes, as Go's `%q` prints it.
//!
//! Error texts are part of the proxy protocol in practice: the go command shows them to its user, and the same
//! mistake should read the same whether the go command or this proxy found it.

use std::fmt::{self, Display, Write};

use crate::unicode::{decode, is_print};

/// Prints bytes as `strconv.Quote` does: in double quotes, escaping what does not print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

impl<'a> Quoted<'a> {
    /// Quotes text, which is valid UTF-8 already.
    pub(crate) fn text(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut rest = self.0;
        while let [first, ..] = rest {
            let (decoded, width) = decode(rest);
            match decoded {
                Some(c) => write_escaped(f, c, '"')?,
                None => write!(f, "\\x{first:02x}")?,
            }
            rest = &rest[width..];
        }
        f.write_char('"')
    }
}

/// `text` in double quotes, with what does not print escaped (`strconv.Quote`), as error texts and checksums of Go have
/// it.
pub fn quoted(text: &str) -> impl Display {
    Quoted::text(text)
}

/// Prints one character as `strconv.QuoteRune` does: in single quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedChar(pub(crate) char);

impl Display for QuotedChar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        write_escaped(f, self.0, '\'')?;
        f.write_char('\'')
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, c: char, quote: char) -> fmt::Result {
    if c == quote || c == '\\' {
        f.write_char('\\')?;
        return f.write_char(c);
    }
    if is_print(c) {
        return f.write_char(c);
    }
    match c {
        '\x07' => f.write_str("\\a"),
        '\x08' => f.write_str("\\b"),
        '\x0c' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\x0b' => f.write_str("\\v"),
        c if c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c)),
        c if u32::from(c) < 0x1_0000 => write!(f, "\\u{:04x}", u32::from(c)),
        c => write!(f, "\\U{:08x}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Quoted, QuotedChar};

    #[test]
    fn quotes_strings_like_go() {
        for (raw, quoted) in [
            (&b""[..], r#""""#),
            (b"a'b\"c\\", r#""a'b\"c\\""#),
            (
                b"\x00\x07\x08\x09\x0a\x0b\x0c\x0d\x7f",
                r#""\x00\a\b\t\n\v\f\r\x7f""#,
            ),
            (b"x\xff\xe2\x98z", r#""x\xff\xe2\x98z""#),
            (
                "é☺\u{a0}\u{fffd}\u{feff}\u{e0001}".as_bytes(),
                "\"é☺\\u00a0\u{fffd}\\ufeff\\U000e0001\"",
            ),
        ] {
            assert_eq!(Quoted(raw).to_string(), quoted);
        }
    }

    #[test]
    fn quotes_characters_like_go() {
        for (c, quoted) in [
            ('\'', r"'\''"),
            ('"', "'\"'"),
            ('\\', r"'\\'"),
            ('и', "'и'"),
            ('\0', r"'\x00'"),
        ] {
            assert_eq!(QuotedChar(c).to_string(), quoted);
        }
    }
}
