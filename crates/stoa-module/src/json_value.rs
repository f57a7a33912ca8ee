//! JSON as Go's decoder reads it (`encoding/json` of Go 1.26, without its experiment `jsonv2`).

use std::borrow::Cow;

use crate::unicode::decode;

/// How deep arrays and objects may be nested (`maxNestingDepth`).
const MAX_DEPTH: usize = 10_000;

/// Why a text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It ends before the value does.
    #[error("it ends too early")]
    End,
    /// A byte stands where no such byte may.
    #[error("the byte at {0} does not belong there")]
    Byte(usize),
    /// Arrays and objects are nested too deep.
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    Depth,
}

/// A value whose whole text has been found to be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    /// A number, `true` or `false`, which nothing here asks for.
    Scalar,
    /// A string: what stands between its quotes, as it is written.
    Text(&'a [u8]),
    Array,
    /// An object, with its braces.
    Object(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Reads a text that is one value and white space around it (`checkValid`).
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        let mut scanner = Scanner { text, at: 0 };
        scanner.skip_space();
        let value = scanner.value()?;
        scanner.skip_space();
        match scanner.peek() {
            None => Ok(value),
            Some(_) => Err(scanner.fault()),
        }
    }

    fn of(text: &'a [u8]) -> Self {
        match text {
            [b'"', quoted @ .., _] => Self::Text(quoted),
            [b'{', ..] => Self::Object(text),
            [b'[', ..] => Self::Array,
            [b'n', ..] => Self::Null,
            _ => Self::Scalar,
        }
    }

    /// The names and values of an object in their order, also those that are there twice; of anything else, nothing.
    pub(crate) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> {
        let text = match self {
            Self::Object(text) => text,
            _ => b"{}",
        };
        // At the brace, then at each comma. What is not an error has been seen once, so that no error ends this.
        let mut scanner = Scanner { text, at: 0 };
        std::iter::from_fn(move || {
            scanner.next()?;
            scanner.skip_space();
            let name = scanner.name().ok()?;
            let value = scanner.value().ok()?;
            scanner.skip_space();
            Some((unquote(name), value))
        })
    }
}

/// What a string means (`unquoteBytes`): what is no Unicode comes out as U+FFFD.
pub(crate) fn unquote(quoted: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(quoted)
        && !text.contains('\\')
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let (c, width @ 1..) = decode(rest) {
        let (c, taken) = match c {
            Some('\\') => unescape(rest),
            c => (c.unwrap_or(char::REPLACEMENT_CHARACTER), width),
        };
        text.push(c);
        rest = rest.get(taken..).unwrap_or_default();
    }
    Cow::Owned(text)
}

/// The character that an escape at the beginning of `text` stands for, and how long the escape is.
fn unescape(text: &[u8]) -> (char, usize) {
    let c = match text.get(1) {
        Some(b'b') => '\x08',
        Some(b'f') => '\x0c',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_unit(text),
        Some(c) => char::from(*c),
        None => char::REPLACEMENT_CHARACTER,
    };
    (c, 2)
}

/// As [`unescape`], of `\u` and four digits: half of a surrogate pair is one only before the other half.
fn unescape_unit(text: &[u8]) -> (char, usize) {
    let Some(first) = code_unit(text) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    let second = text.get(6..).and_then(code_unit);
    let units = std::iter::once(first).chain(second);
    match char::decode_utf16(units).next() {
        Some(Ok(c)) => (c, 6 * c.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A text and how much of it has been read.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    /// What is wrong with the byte that comes next.
    fn fault(&self) -> JsonError {
        match self.peek() {
            Some(_) => JsonError::Byte(self.at),
            None => JsonError::End,
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Takes one byte of these.
    fn take(&mut self, is_wanted: impl FnOnce(u8) -> bool) -> Result<u8, JsonError> {
        match self.peek() {
            Some(byte) if is_wanted(byte) => {
                self.at += 1;
                Ok(byte)
            }
            _ => Err(self.fault()),
        }
    }

    /// Takes a value, whatever is in it. This is no recursion, for a value may be deep.
    fn value(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        // The brackets that are still to come.
        let mut open = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.open(&mut open, b'}')?;
                    if self.peek() != Some(b'}') {
                        self.name()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(&mut open, b']')?;
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                _ => self.literal()?,
            }
            // Here a value has ended, or one that is empty is about to end.
            loop {
                let Some(&closing) = open.last() else {
                    return Ok(Value::of(&self.text[start..self.at]));
                };
                self.skip_space();
                if self.take(|byte| byte == closing || byte == b',')? == b',' {
                    self.skip_space();
                    if closing == b'}' {
                        self.name()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    fn open(&mut self, open: &mut Vec<u8>, closing: u8) -> Result<(), JsonError> {
        if open.len() == MAX_DEPTH {
            return Err(JsonError::Depth);
        }
        open.push(closing);
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Takes the name of a member and its colon; gives what stands between the quotes.
    fn name(&mut self) -> Result<&'a [u8], JsonError> {
        let name = self.string()?;
        self.skip_space();
        self.take(|byte| byte == b':')?;
        self.skip_space();
        Ok(name)
    }

    fn literal(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(|_quoted| ()),
            Some(b'n') => self.word("null"),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        for letter in word.bytes() {
            self.take(|byte| byte == letter)?;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.take(|byte| byte.is_ascii_digit())? != b'0' {
            self.skip_digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.take(|byte| byte.is_ascii_digit())?;
            self.skip_digits();
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.take(|byte| byte.is_ascii_digit())?;
            self.skip_digits();
        }
        Ok(())
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<&'a [u8], JsonError> {
        self.take(|byte| byte == b'"')?;
        let start = self.at;
        loop {
            match self.take(|byte| byte >= b' ')? {
                b'"' => return Ok(&self.text[start..self.at - 1]),
                b'\\' => self.escape()?,
                _ => {}
            }
        }
    }

    /// Takes what follows a backslash.
    fn escape(&mut self) -> Result<(), JsonError> {
        if self.take(|byte| b"\"\\/bfnrtu".contains(&byte))? == b'u' {
            for _digit in 0..4 {
                self.take(|byte| byte.is_ascii_hexdigit())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_json_say_where() {
        use JsonError::{Byte, End};
        for (text, want) in [
            ("", End),
            (" ", End),
            ("{", End),
            ("[1", End),
            ("\"a", End),
            ("\"\\u12", End),
            ("nul", End),
            ("-", End),
            ("1.", End),
            ("1e+", End),
            ("{\"a\":1", End),
            ("{} x", Byte(3)),
            ("{,}", Byte(1)),
            ("{\"a\":1,}", Byte(7)),
            ("{\"a\" 1}", Byte(5)),
            ("{a:1}", Byte(1)),
            ("[1,]", Byte(3)),
            ("[1}", Byte(2)),
            ("{\"a\":1]", Byte(6)),
            ("01", Byte(1)),
            ("+1", Byte(0)),
            (".5", Byte(0)),
            ("1.e1", Byte(2)),
            ("nulL", Byte(3)),
            ("\"\u{1f}\"", Byte(1)),
            ("\"\\x\"", Byte(2)),
            ("\"\\'\"", Byte(2)),
            ("\"\\u12g4\"", Byte(5)),
            ("\u{feff}{}", Byte(0)),
            ("<html>", Byte(0)),
            ("{}{}", Byte(2)),
        ] {
            assert_eq!(Value::parse(text.as_bytes()), Err(want), "{text:?}");
        }
    }

    #[test]
    fn values_are_told_apart_by_kind() {
        for (text, want) in [
            (" null\n", Value::Null),
            ("true", Value::Scalar),
            ("-0.5E+10", Value::Scalar),
            ("\"a\\\"b\"", Value::Text(b"a\\\"b")),
            ("[[],{},[ ]]", Value::Array),
            ("{ }", Value::Object(b"{ }")),
        ] {
            assert_eq!(Value::parse(text.as_bytes()), Ok(want), "{text}");
        }
    }

    #[test]
    fn members_come_in_order_and_twice() {
        let value =
            Value::parse(b" { \"a\" : {\"b\":[1,{\"c\":2}]} , \"\\u0061\":null,\"\":\"x\" } ").unwrap();
        let members: Vec<_> = value.members().collect();
        let want = [
            (Cow::from("a"), Value::Object(b"{\"b\":[1,{\"c\":2}]}")),
            (Cow::from("a"), Value::Null),
            (Cow::from(""), Value::Text(b"x")),
        ];
        assert_eq!(members, want);
        assert_eq!(Value::parse(b"{}").unwrap().members().count(), 0);
        assert_eq!(Value::Array.members().count(), 0);
    }

    #[test]
    fn depth_is_bounded_as_in_go() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(Value::parse(nested(MAX_DEPTH).as_bytes()), Ok(Value::Array));
        let deeper = nested(MAX_DEPTH + 1);
        assert_eq!(Value::parse(deeper.as_bytes()), Err(JsonError::Depth));
    }

    #[test]
    fn strings_mean_what_they_mean_in_go() {
        for (quoted, want) in [
            (&b"plain \xc3\xa9"[..], "plain é"),
            (br#"\"\\\/\b\f\n\r\t"#, "\"\\/\x08\x0c\n\r\t"),
            (br"\u0041\u00e9\uD83D\ude00", "Aé😀"),
            (br"\ud83d", "\u{fffd}"),
            (br"\ud83dx", "\u{fffd}x"),
            (br"\ud83d\u0041", "\u{fffd}A"),
            (br"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (br"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (b"a\xffb\xe2\x98", "a\u{fffd}b\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(unquote(quoted), want, "{}", quoted.escape_ascii());
        }
    }
}
