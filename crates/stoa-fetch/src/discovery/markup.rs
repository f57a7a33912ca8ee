//! Just enough of a tokenizer for pages that are nearly XML or nearly HTML.

use std::ops::ControlFlow;

/// What a page consists of, as far as go-import tags are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `<name ...>` or `<name .../>`.
    Start {
        /// Without its name space.
        name: String,
        /// The attributes that anybody asks for.
        attributes: Attributes,
    },
    /// `</name>`, or the second half of `<name/>`.
    End {
        /// Without its name space.
        name: String,
    },
    /// Text, comments, instructions, directives.
    Other,
}

/// The attributes of an element that are kept, whatever the case of their names. The first of two counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// `name`
    pub(super) name: Option<String>,
    /// `content`
    pub(super) content: Option<String>,
}

impl Attributes {
    fn keep(&mut self, name: &str, value: String) {
        if name.eq_ignore_ascii_case("name") {
            self.name.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("content") {
            self.content.get_or_insert(value);
        }
    }
}

/// Why a page cannot be read further. The texts are those of Go's encoding/xml.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MarkupError(String);

impl MarkupError {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A reader of tokens that follows `RawToken` of Go's encoding/xml with `Strict` off, and cmd/go's list of charsets.
///
/// It goes over the page once, without recursion, and keeps one token.
///
/// # Deviation
///
/// Which characters beyond ASCII a name may have is decided by today's Unicode and not by the tables of XML 1.0. It
/// matters only for pages that have such elements before their tags.
#[derive(Debug)]
pub(super) struct Markup<'a> {
    page: &'a [u8],
    at: usize,
    /// The end of a self-closing element, still to be told.
    to_close: Option<String>,
    text: Vec<u8>,
}

type Result<T> = std::result::Result<T, MarkupError>;

impl<'a> Markup<'a> {
    pub(super) fn new(page: &'a [u8]) -> Self {
        Self {
            page,
            at: 0,
            to_close: None,
            text: Vec::new(),
        }
    }

    /// The next token; `None` at the end. After an error there is nothing more to ask for.
    pub(super) fn next(&mut self) -> Result<Option<Token>> {
        if let Some(name) = self.to_close.take() {
            return Ok(Some(Token::End { name }));
        }
        let Some(byte) = self.peek() else { return Ok(None) };
        if byte != b'<' {
            self.read_text(None)?;
            return Ok(Some(Token::Other));
        }
        self.at += 1;
        let token = match self.must_peek()? {
            b'/' => self.end()?,
            b'?' => self.instruction()?,
            b'!' => self.comment_or_directive()?,
            _ => self.start()?,
        };
        Ok(Some(token))
    }

    fn peek(&self) -> Option<u8> {
        self.page.get(self.at).copied()
    }

    fn must_peek(&self) -> Result<u8> {
        self.peek().ok_or_else(|| self.syntax("unexpected EOF"))
    }

    fn must_take(&mut self) -> Result<u8> {
        let byte = self.must_peek()?;
        self.at += 1;
        Ok(byte)
    }

    fn take_if(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn syntax(&self, reason: impl AsRef<str>) -> MarkupError {
        let read = &self.page[..self.at];
        let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
        MarkupError(format!("XML syntax error on line {line}: {}", reason.as_ref()))
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| b" \r\n\t".contains(&byte)) {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Result<Token> {
        self.at += 1;
        let Some(name) = self.local_name()? else {
            return Err(self.syntax("expected element name after </"));
        };
        self.skip_space();
        if self.must_take()? != b'>' {
            return Err(self.syntax(format!("invalid characters between </{name} and >")));
        }
        Ok(Token::End { name })
    }

    fn instruction(&mut self) -> Result<Token> {
        self.at += 1;
        let Some(target) = self.name()? else {
            return Err(self.syntax("expected target name after <?"));
        };
        self.skip_space();
        let content = self.until(b"?>")?;
        if target == "xml" {
            check_declaration(&String::from_utf8_lossy(content))?;
        }
        Ok(Token::Other)
    }

    /// Everything up to `end`, and goes past it.
    fn until(&mut self, end: &[u8]) -> Result<&'a [u8]> {
        let rest = &self.page[self.at..];
        let Some(len) = rest.windows(end.len()).position(|window| window == end) else {
            self.at = self.page.len();
            return Err(self.syntax("unexpected EOF"));
        };
        self.at += len + end.len();
        Ok(&rest[..len])
    }

    fn comment_or_directive(&mut self) -> Result<Token> {
        self.at += 1;
        match self.must_take()? {
            b'-' => {
                if self.must_take()? != b'-' {
                    return Err(self.syntax("invalid sequence <!- not part of <!--"));
                }
                self.until(b"--")?;
                if self.must_take()? != b'>' {
                    return Err(self.syntax("invalid sequence \"--\" not allowed in comments"));
                }
            }
            b'[' => {
                for wanted in b"CDATA[" {
                    if self.must_take()? != *wanted {
                        return Err(self.syntax("invalid <![ sequence"));
                    }
                }
                self.read_cdata()?;
            }
            _ => self.skip_directive()?,
        }
        Ok(Token::Other)
    }

    /// Goes past the `>` of a directive, whose first character has been read. Brackets in quotes do not nest.
    fn skip_directive(&mut self) -> Result<()> {
        let mut quote = None;
        let mut depth = 0_usize;
        loop {
            match (quote, self.must_take()?) {
                (Some(open), byte) => quote = (byte != open).then_some(open),
                (None, byte @ (b'\'' | b'"')) => quote = Some(byte),
                (None, b'>') => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return Ok(()),
                },
                (None, b'<') if self.page[self.at..].starts_with(b"!--") => {
                    self.at += 3;
                    self.until(b"-->")?;
                }
                (None, b'<') => depth += 1,
                (None, _) => {}
            }
        }
    }

    fn start(&mut self) -> Result<Token> {
        let Some(name) = self.local_name()? else {
            return Err(self.syntax("expected element name after <"));
        };
        let mut attributes = Attributes::default();
        loop {
            self.skip_space();
            match self.must_peek()? {
                b'/' => {
                    self.at += 1;
                    if self.must_take()? != b'>' {
                        return Err(self.syntax("expected /> in element"));
                    }
                    self.to_close = Some(name.clone());
                    break;
                }
                b'>' => {
                    self.at += 1;
                    break;
                }
                _ => {
                    let (name, value) = self.attribute()?;
                    attributes.keep(&name, value);
                }
            }
        }
        Ok(Token::Start { name, attributes })
    }

    fn attribute(&mut self) -> Result<(String, String)> {
        let Some(name) = self.local_name()? else {
            return Err(self.syntax("expected attribute name in element"));
        };
        self.skip_space();
        if self.must_peek()? != b'=' {
            return Ok((name.clone(), name));
        }
        self.at += 1;
        self.skip_space();
        let value = match self.must_peek()? {
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                self.read_text(Some(quote))?
            }
            _ => self.bare_value()?,
        };
        Ok((name, value))
    }

    /// A value without quotes.
    fn bare_value(&mut self) -> Result<String> {
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
    fn local_name(&mut self) -> Result<Option<String>> {
        let name = self.name()?.filter(|name| name.matches(':').count() <= 1);
        Ok(name.map(|name| match name.split_once(':') {
            Some((space, local)) if !space.is_empty() && !local.is_empty() => local.to_owned(),
            _ => name.to_owned(),
        }))
    }

    fn name(&mut self) -> Result<Option<&'a str>> {
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
    fn skip_name(&mut self) -> Result<bool> {
        let start = self.at;
        while is_name_byte(self.must_peek()?) {
            self.at += 1;
        }
        Ok(self.at > start)
    }

    /// Text up to the quote, which it goes past, or to the next tag.
    fn read_text(&mut self, quote: Option<u8>) -> Result<String> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        // How many of the last characters read are brackets.
        let mut brackets = 0_usize;
        while let Some(byte) = self.peek() {
            if quote == Some(byte) {
                self.at += 1;
                break;
            }
            match byte {
                b'<' if quote.is_some() => {
                    self.at += 1;
                    return Err(self.syntax("unescaped < inside quoted string"));
                }
                b'<' => break,
                b'>' if quote.is_none() && brackets >= 2 => {
                    self.at += 1;
                    return Err(self.syntax("unescaped ]]> not in CDATA section"));
                }
                b'&' => {
                    brackets = 0;
                    self.entity(&mut text)?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            brackets = if byte == b']' { brackets + 1 } else { 0 };
            if byte == b'\r' {
                self.take_if(b'\n');
            }
            text.push(if byte == b'\r' { b'\n' } else { byte });
        }
        let checked = self.check_text(&text).map(|()| {
            let kept = quote
                .is_some()
                .then(|| String::from_utf8_lossy(&text).into_owned());
            kept.unwrap_or_default()
        });
        self.text = text;
        checked
    }

    /// Everything up to `]]>`.
    fn read_cdata(&mut self) -> Result<()> {
        match self.until(b"]]>") {
            Ok(text) => self.check_text(text),
            Err(_) => Err(self.syntax("unexpected EOF in CDATA section")),
        }
    }

    fn check_text(&self, text: &[u8]) -> Result<()> {
        let check = |text: &str| match text.chars().find(|c| !is_character(*c)) {
            Some(c) => Err(self.syntax(format!("illegal character code U+{:04X}", u32::from(c)))),
            None => Ok(()),
        };
        let flow = text.utf8_chunks().try_for_each(|chunk| {
            if let Err(error) = check(chunk.valid()) {
                return ControlFlow::Break(error);
            }
            match chunk.invalid() {
                [] => ControlFlow::Continue(()),
                _ => ControlFlow::Break(self.syntax("invalid UTF-8")),
            }
        });
        flow.break_value().map_or(Ok(()), Err)
    }

    /// Reads `&...;` and writes what it stands for. What stands for nothing is left as it is.
    fn entity(&mut self, text: &mut Vec<u8>) -> Result<()> {
        let start = self.at;
        self.at += 1;
        let decoded = if self.must_peek()? == b'#' {
            self.at += 1;
            self.numeric_entity()?
        } else {
            let named = self.skip_name()?;
            let name = &self.page[start + 1..self.at];
            (self.must_peek()? == b';' && named).then(|| match name {
                b"lt" => Some('<'),
                b"gt" => Some('>'),
                b"amp" => Some('&'),
                b"apos" => Some('\''),
                b"quot" => Some('"'),
                _ => None,
            })
        };
        // The semicolon goes with the entity, known or not.
        self.take_if(b';');
        match decoded.flatten() {
            Some(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => text.extend_from_slice(&self.page[start..self.at]),
        }
        Ok(())
    }

    /// The character of `&#...;`, if there is a semicolon and such a character.
    fn numeric_entity(&mut self) -> Result<Option<Option<char>>> {
        let radix = if self.must_peek()? == b'x' { 16 } else { 10 };
        if radix == 16 {
            self.at += 1;
        }
        let mut code = None;
        while let Some(digit) = char::from(self.must_peek()?).to_digit(radix) {
            self.at += 1;
            let shifted = code.unwrap_or(0_u32).saturating_mul(radix);
            code = Some(shifted.saturating_add(digit));
        }
        if self.must_peek()? != b';' {
            return Ok(None);
        }
        // Halves of surrogate pairs are written as the replacement character, as Go does.
        let to_char = |code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        let known = code.filter(|code| *code <= u32::from(char::MAX));
        Ok(Some(known.map(to_char)))
    }
}

/// The XML declaration may name version 1.0, and UTF-8 or ASCII.
fn check_declaration(content: &str) -> Result<()> {
    let version = pseudo_attribute("version", content);
    if let Some(version) = version.filter(|version| *version != "1.0") {
        let reason = format!("xml: unsupported version {version:?}; only version 1.0 is supported");
        return Err(MarkupError(reason));
    }
    let known = |charset: &str| {
        ["utf-8", "ascii"]
            .iter()
            .any(|name| charset.eq_ignore_ascii_case(name))
    };
    match pseudo_attribute("encoding", content).filter(|charset| !known(charset)) {
        None => Ok(()),
        Some(charset) => Err(MarkupError(format!(
            "xml: opening charset {charset:?}: can't decode XML document using charset {charset:?}"
        ))),
    }
}

/// The value of `name="..."` or `name='...'` in a declaration; `None` if it is absent or empty.
fn pseudo_attribute<'c>(name: &str, content: &'c str) -> Option<&'c str> {
    let mut rest = content;
    loop {
        let found = rest.find(name)? + name.len();
        let after = &rest[found..];
        let value = after
            .strip_prefix('=')
            .filter(|value| value.starts_with(['\'', '"']));
        if let Some(value) = value {
            let (quote, value) = value.split_at(1);
            return value
                .find(quote)
                .map(|end| &value[..end])
                .filter(|v| !v.is_empty());
        }
        rest = after;
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

/// The production Char of XML.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
