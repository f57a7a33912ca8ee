//! Just enough of a tokenizer for pages that are nearly XML or nearly HTML.

use super::cursor::{Cursor, MarkupError, Result};

/// What a page consists of, as far as go-import tags are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `<name ...>` or `<name .../>`.
    Start {
        /// Without its name space.
        name: String,
        /// The attributes that go-import tags need.
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
    cursor: Cursor<'a>,
    /// The end of a self-closing element, which is the next token.
    to_close: Option<String>,
}

impl<'a> Markup<'a> {
    pub(super) fn new(page: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(page),
            to_close: None,
        }
    }

    /// The next token; `None` at the end. After an error there is nothing more to ask for.
    pub(super) fn next(&mut self) -> Result<Option<Token>> {
        if let Some(name) = self.to_close.take() {
            return Ok(Some(Token::End { name }));
        }
        let Some(byte) = self.cursor.peek() else {
            return Ok(None);
        };
        if byte != b'<' {
            self.cursor.read_text(None)?;
            return Ok(Some(Token::Other));
        }
        self.cursor.step();
        let token = match self.cursor.must_peek()? {
            b'/' => self.end()?,
            b'?' => self.instruction()?,
            b'!' => self.comment_or_directive()?,
            _ => self.start()?,
        };
        Ok(Some(token))
    }

    fn end(&mut self) -> Result<Token> {
        self.cursor.step();
        let Some(name) = self.cursor.local_name()? else {
            return Err(self.cursor.syntax("expected element name after </"));
        };
        self.cursor.skip_space();
        if self.cursor.must_take()? != b'>' {
            return Err(self
                .cursor
                .syntax(format!("invalid characters between </{name} and >")));
        }
        Ok(Token::End { name })
    }

    fn instruction(&mut self) -> Result<Token> {
        self.cursor.step();
        let Some(target) = self.cursor.name()? else {
            return Err(self.cursor.syntax("expected target name after <?"));
        };
        self.cursor.skip_space();
        let content = self.cursor.until(b"?>")?;
        if target == "xml" {
            check_declaration(&String::from_utf8_lossy(content))?;
        }
        Ok(Token::Other)
    }

    fn comment_or_directive(&mut self) -> Result<Token> {
        self.cursor.step();
        match self.cursor.must_take()? {
            b'-' => {
                if self.cursor.must_take()? != b'-' {
                    return Err(self.cursor.syntax("invalid sequence <!- not part of <!--"));
                }
                self.cursor.until(b"--")?;
                if self.cursor.must_take()? != b'>' {
                    return Err(self
                        .cursor
                        .syntax("invalid sequence \"--\" not allowed in comments"));
                }
            }
            b'[' => {
                for wanted in b"CDATA[" {
                    if self.cursor.must_take()? != *wanted {
                        return Err(self.cursor.syntax("invalid <![ sequence"));
                    }
                }
                self.cursor.read_cdata()?;
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
            match (quote, self.cursor.must_take()?) {
                (Some(open), byte) => quote = (byte != open).then_some(open),
                (None, byte @ (b'\'' | b'"')) => quote = Some(byte),
                (None, b'>') => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return Ok(()),
                },
                (None, b'<') if self.cursor.take_all(b"!--") => {
                    self.cursor.until(b"-->")?;
                }
                (None, b'<') => depth += 1,
                (None, _) => {}
            }
        }
    }

    fn start(&mut self) -> Result<Token> {
        let Some(name) = self.cursor.local_name()? else {
            return Err(self.cursor.syntax("expected element name after <"));
        };
        let mut attributes = Attributes::default();
        loop {
            self.cursor.skip_space();
            match self.cursor.must_peek()? {
                b'/' => {
                    self.cursor.step();
                    if self.cursor.must_take()? != b'>' {
                        return Err(self.cursor.syntax("expected /> in element"));
                    }
                    self.to_close = Some(name.clone());
                    break;
                }
                b'>' => {
                    self.cursor.step();
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
        let Some(name) = self.cursor.local_name()? else {
            return Err(self.cursor.syntax("expected attribute name in element"));
        };
        self.cursor.skip_space();
        if self.cursor.must_peek()? != b'=' {
            return Ok((name.clone(), name));
        }
        self.cursor.step();
        self.cursor.skip_space();
        let value = match self.cursor.must_peek()? {
            quote @ (b'"' | b'\'') => {
                self.cursor.step();
                self.cursor.read_text(Some(quote))?
            }
            _ => self.cursor.bare_value()?,
        };
        Ok((name, value))
    }
}

/// The XML declaration may name version 1.0, and UTF-8 or ASCII.
fn check_declaration(content: &str) -> Result<()> {
    let version = pseudo_attribute("version", content);
    if let Some(version) = version.filter(|version| *version != "1.0") {
        let reason = format!("xml: unsupported version {version:?}; only version 1.0 is supported");
        return Err(MarkupError::new(reason));
    }
    let known = |charset: &str| {
        ["utf-8", "ascii"]
            .iter()
            .any(|name| charset.eq_ignore_ascii_case(name))
    };
    match pseudo_attribute("encoding", content).filter(|charset| !known(charset)) {
        None => Ok(()),
        Some(charset) => Err(MarkupError::new(format!(
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
