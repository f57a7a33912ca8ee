//! A place on a page, and the smaller things that are read there.

/// Why a page cannot be read further. The texts are those of Go's encoding/xml.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MarkupError(String);

impl MarkupError {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

pub(super) type Result<T> = std::result::Result<T, MarkupError>;

/// Reads a page from its beginning to its end.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) page: &'a [u8],
    pub(super) at: usize,
    /// Room for the text that is being read.
    pub(super) text: Vec<u8>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(page: &'a [u8]) -> Self {
        Self {
            page,
            at: 0,
            text: Vec::new(),
        }
    }

    /// Goes past a character that was looked at.
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// Goes past these characters if they are next.
    pub(super) fn take_all(&mut self, wanted: &[u8]) -> bool {
        let found = self.page[self.at..].starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// The next character, if there is one.
    pub(super) fn peek(&self) -> Option<u8> {
        self.page.get(self.at).copied()
    }

    /// The next character, which there has to be.
    pub(super) fn must_peek(&self) -> Result<u8> {
        self.peek().ok_or_else(|| self.syntax("unexpected EOF"))
    }

    /// Goes past the next character, which there has to be.
    pub(super) fn must_take(&mut self) -> Result<u8> {
        let byte = self.must_peek()?;
        self.at += 1;
        Ok(byte)
    }

    /// Goes past this character if it is next.
    pub(super) fn take_if(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// An error at this place.
    pub(super) fn syntax(&self, reason: impl AsRef<str>) -> MarkupError {
        let read = &self.page[..self.at];
        let line = read.split(|byte| *byte == b'\n').count();
        MarkupError(format!("XML syntax error on line {line}: {}", reason.as_ref()))
    }

    /// Goes past white space.
    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| b" \r\n\t".contains(&byte)) {
            self.at += 1;
        }
    }

    /// Everything up to `end`, and goes past it.
    pub(super) fn until(&mut self, end: &[u8]) -> Result<&'a [u8]> {
        let rest = &self.page[self.at..];
        let Some(len) = rest.windows(end.len()).position(|window| window == end) else {
            self.at = self.page.len();
            return Err(self.syntax("unexpected EOF"));
        };
        self.at += len + end.len();
        Ok(&rest[..len])
    }

    /// A value without quotes.
    pub(super) fn bare_value(&mut self) -> Result<String> {
        let start = self.at;
        while {
            let byte = self.must_peek()?;
            byte.is_ascii_alphanumeric() || b"_:-".contains(&byte)
        } {
            self.at += 1;
        }
        Ok(String::from_utf8_lossy(&self.page[start..self.at]).into_owned())
    }

    /// A name; without what is before its colon, if there is something on both sides.
    pub(super) fn local_name(&mut self) -> Result<Option<String>> {
        let name = self.name()?.filter(|name| name.matches(':').count() <= 1);
        Ok(name.map(|name| match name.split_once(':') {
            Some((space, local)) if !space.is_empty() && !local.is_empty() => local.to_owned(),
            _ => name.to_owned(),
        }))
    }

    /// A name, if one is next.
    pub(super) fn name(&mut self) -> Result<Option<&'a str>> {
        let start = self.at;
        if !self.skip_name()? {
            return Ok(None);
        }
        let name = &self.page[start..self.at];
        let checked = std::str::from_utf8(name).ok().filter(|name| is_name(name));
        let bad = || self.syntax(format!("invalid XML name: {}", String::from_utf8_lossy(name)));
        checked.map(Some).ok_or_else(bad)
    }

    /// Goes past a name; `false` if there is none.
    pub(super) fn skip_name(&mut self) -> Result<bool> {
        let start = self.at;
        while is_name_byte(self.must_peek()?) {
            self.at += 1;
        }
        Ok(self.at > start)
    }
}

fn is_name_byte(byte: u8) -> bool {
    !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"_:.-".contains(&byte)
}

fn is_name(name: &str) -> bool {
    let first = |c: char| c == '_' || c == ':' || c.is_alphabetic();
    let further = |c: char| first(c) || c == '-' || c == '.' || c == '\u{b7}' || c.is_numeric();
    name.starts_with(first) && name.chars().all(further)
}
