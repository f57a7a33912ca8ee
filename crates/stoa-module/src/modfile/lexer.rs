//! Dividing go.mod files into tokens.

use std::borrow::Cow;

use super::error::{Position, SyntaxReason};
use crate::unicode::is_print;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Newline,
    /// A comment with a line of its own, which includes the newline.
    Comment,
    /// A comment behind other tokens, which includes the newline.
    LineComment,
    OpenParen,
    CloseParen,
    /// A word, a string, or any other punctuation.
    Word,
}

impl Kind {
    pub(super) fn ends_line(self) -> bool {
        matches!(self, Self::End | Self::Newline | Self::LineComment)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// The text, of comments without the newline.
    pub(super) text: &'a str,
    pub(super) start: Position,
}

/// A syntax error and where it is.
pub(super) type LexError = (Position, SyntaxReason);

/// Reads tokens one ahead of the parser, as errors in the token ahead come before those of the parser.
pub(super) struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
    position: Position,
    ahead: Token<'a>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, LexError> {
        let position = Position { line: 1, column: 1 };
        let ahead = Token {
            kind: Kind::End,
            text: "",
            start: position,
        };
        let mut lexer = Self {
            text,
            rest: text,
            position,
            ahead,
        };
        lexer.read()?;
        Ok(lexer)
    }

    /// The kind of the token ahead.
    pub(super) fn peek(&self) -> Kind {
        self.ahead.kind
    }

    /// Where the token ahead ends.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Takes the token ahead and reads the next.
    pub(super) fn take(&mut self) -> Result<Token<'a>, LexError> {
        let token = self.ahead;
        self.read()?;
        Ok(token)
    }

    fn read(&mut self) -> Result<(), LexError> {
        while self.rest.starts_with([' ', '\t', '\r']) {
            self.advance();
        }
        let start = self.position;
        let before = self.rest;
        let kind = self.read_token()?;
        let text = &before[..before.len() - self.rest.len()];
        let text = match kind {
            Kind::Comment | Kind::LineComment => text
                .strip_suffix('\n')
                .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line)),
            _ => text,
        };
        self.ahead = Token { kind, text, start };
        Ok(())
    }

    fn read_token(&mut self) -> Result<Kind, LexError> {
        if self.rest.starts_with("//") {
            return Ok(self.read_comment());
        }
        self.refuse_block_comment()?;
        match self.rest.chars().next() {
            None => Ok(Kind::End),
            Some(quote @ ('"' | '`')) => self.read_string(quote),
            Some(c @ ('\n' | '(' | ')' | '[' | ']' | '{' | '}' | ',')) => {
                self.advance();
                Ok(match c {
                    '\n' => Kind::Newline,
                    '(' => Kind::OpenParen,
                    ')' => Kind::CloseParen,
                    _ => Kind::Word,
                })
            }
            Some(c) if !is_word(c) => Err((self.position, SyntaxReason::UnexpectedChar(c))),
            Some(_) => self.read_word(),
        }
    }

    fn read_comment(&mut self) -> Kind {
        let line = &self.text[..self.text.len() - self.rest.len()];
        let line = line.rsplit_once('\n').map_or(line, |(_, line)| line);
        while let Some(c) = self.advance()
            && c != '\n'
        {}
        if line.trim().is_empty() {
            Kind::Comment
        } else {
            Kind::LineComment
        }
    }

    fn read_string(&mut self, quote: char) -> Result<Kind, LexError> {
        let end = (self.position, SyntaxReason::EndInString);
        self.advance();
        loop {
            if self.rest.starts_with('\n') {
                return Err((self.position, SyntaxReason::NewlineInString));
            }
            match self.advance() {
                None => return Err(end),
                Some(c) if c == quote => return Ok(Kind::Word),
                // What is escaped is not looked at, so that even a newline passes.
                Some('\\') if quote != '`' && self.advance().is_none() => return Err(end),
                Some(_) => {}
            }
        }
    }

    fn read_word(&mut self) -> Result<Kind, LexError> {
        while self.rest.starts_with(is_word) && !self.rest.starts_with("//") {
            self.refuse_block_comment()?;
            self.advance();
        }
        Ok(Kind::Word)
    }

    fn refuse_block_comment(&self) -> Result<(), LexError> {
        if self.rest.starts_with("/*") {
            Err((self.position, SyntaxReason::BlockComment))
        } else {
            Ok(())
        }
    }

    fn advance(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.position = Position {
                line: self.position.line + 1,
                column: 1,
            };
        } else {
            self.position.column += 1;
        }
        Some(c)
    }
}

/// Whether a word can have `c`: whatever prints, but for some punctuation.
fn is_word(c: char) -> bool {
    !matches!(c, ' ' | '(' | ')' | '[' | ']' | '{' | '}' | ',') && is_print(c) && !c.is_whitespace()
}

/// Text for the bytes of a file. Each byte that is not UTF-8 becomes U+FFFD, as Go decodes it.
pub(super) fn decode_file(data: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(data) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(data.len());
    for chunk in data.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}
