//! Text on a page: what is between tags and in quotes.

use std::ops::ControlFlow;

use super::cursor::{Cursor, Result};

impl Cursor<'_> {
    /// Text up to the quote, which it goes past, or to the next tag.
    pub(super) fn read_text(&mut self, quote: Option<u8>) -> Result<String> {
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
    pub(super) fn read_cdata(&mut self) -> Result<()> {
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
            match name {
                _ if self.must_peek()? != b';' || !named => None,
                b"lt" => Some('<'),
                b"gt" => Some('>'),
                b"amp" => Some('&'),
                b"apos" => Some('\''),
                b"quot" => Some('"'),
                _ => None,
            }
        };
        // The semicolon goes with the entity, known or not.
        self.take_if(b';');
        match decoded {
            Some(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => text.extend_from_slice(&self.page[start..self.at]),
        }
        Ok(())
    }

    /// The character of `&#...;`, if there is a semicolon and such a character.
    fn numeric_entity(&mut self) -> Result<Option<char>> {
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
        Ok(known.map(to_char))
    }
}

/// The production Char of XML.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
