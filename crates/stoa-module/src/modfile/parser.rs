//! Dividing go.mod files into lines and blocks, with the comments that go with each.

use super::error::{Position, SyntaxReason};
use super::lexer::{Kind, LexError, Lexer, Token};

#[derive(Debug)]
pub(super) enum Statement<'a> {
    Line(Line<'a>),
    Block(Block<'a>),
}

/// A line of tokens, of which there is at least one.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) start: Position,
    pub(super) tokens: Vec<&'a str>,
    /// The comments on lines of their own before this one; within blocks an empty text stands for blank lines.
    pub(super) before: Vec<&'a str>,
    /// The comment behind the tokens.
    pub(super) suffix: Option<&'a str>,
}

/// Lines in parentheses, after tokens of which there is at least one.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) start: Position,
    pub(super) tokens: Vec<&'a str>,
    pub(super) before: Vec<&'a str>,
    pub(super) lines: Vec<Line<'a>>,
}

/// Parses the text of a go.mod file, whose name is for errors.
pub(super) fn parse<'a>(file: &str, text: &'a str) -> Result<Vec<Statement<'a>>, LexError> {
    let mut parser = Parser {
        lexer: Lexer::new(text)?,
        file,
    };
    let mut statements = Vec::new();
    let mut comments = Vec::new();
    loop {
        match parser.lexer.peek() {
            Kind::End => return Ok(statements),
            // A blank line parts comments from what follows.
            Kind::Newline => {
                parser.lexer.take()?;
                comments.clear();
            }
            Kind::Comment => comments.push(parser.lexer.take()?.text),
            _ => statements.push(parser.parse_statement(std::mem::take(&mut comments))?),
        }
    }
}

struct Parser<'a, 'f> {
    lexer: Lexer<'a>,
    file: &'f str,
}

impl<'a> Parser<'a, '_> {
    fn parse_statement(&mut self, before: Vec<&'a str>) -> Result<Statement<'a>, LexError> {
        let first = self.lexer.take()?;
        let mut tokens = vec![first.text];
        loop {
            let token = self.lexer.take()?;
            if token.kind.ends_line() {
                return Ok(Statement::Line(line(first.start, tokens, before, token)));
            }
            if token.kind == Kind::OpenParen {
                if self.lexer.peek().ends_line() {
                    let lines = self.parse_lines(first.start)?;
                    return Ok(Statement::Block(Block {
                        start: first.start,
                        tokens,
                        before,
                        lines,
                    }));
                }
                if self.lexer.peek() == Kind::CloseParen {
                    let close = self.lexer.take()?;
                    if self.lexer.peek().ends_line() {
                        self.lexer.take()?;
                        let lines = Vec::new();
                        return Ok(Statement::Block(Block {
                            start: first.start,
                            tokens,
                            before,
                            lines,
                        }));
                    }
                    // Parentheses in the middle of a line are tokens like any other.
                    tokens.extend([token.text, close.text]);
                    continue;
                }
            }
            tokens.push(token.text);
        }
    }

    /// Parses the lines of a block that started at `start`, and its closing parenthesis.
    fn parse_lines(&mut self, start: Position) -> Result<Vec<Line<'a>>, LexError> {
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut comments: Vec<&'a str> = Vec::new();
        loop {
            match self.lexer.peek() {
                Kind::LineComment => {
                    self.lexer.take()?;
                }
                Kind::Newline => {
                    self.lexer.take()?;
                    let blank_counts = match comments.last() {
                        Some(comment) => !comment.is_empty(),
                        None => !lines.is_empty(),
                    };
                    if blank_counts {
                        comments.push("");
                    }
                }
                Kind::Comment => comments.push(self.lexer.take()?.text),
                Kind::End => {
                    let reason = SyntaxReason::UnterminatedBlock {
                        file: self.file.to_owned(),
                        start,
                    };
                    return Err((self.lexer.position(), reason));
                }
                Kind::CloseParen => {
                    self.lexer.take()?;
                    if !self.lexer.peek().ends_line() {
                        return Err((self.lexer.position(), SyntaxReason::AfterBlock));
                    }
                    self.lexer.take()?;
                    return Ok(lines);
                }
                Kind::OpenParen | Kind::Word => lines.push(self.parse_line(std::mem::take(&mut comments))?),
            }
        }
    }

    fn parse_line(&mut self, before: Vec<&'a str>) -> Result<Line<'a>, LexError> {
        let first = self.lexer.take()?;
        let mut tokens = vec![first.text];
        loop {
            let token = self.lexer.take()?;
            if token.kind.ends_line() {
                return Ok(line(first.start, tokens, before, token));
            }
            tokens.push(token.text);
        }
    }
}

/// A line that `end` ends. A comment there belongs to it, unless it started on an earlier line, which only a string
/// with an escaped newline can bring about.
fn line<'a>(start: Position, tokens: Vec<&'a str>, before: Vec<&'a str>, end: Token<'a>) -> Line<'a> {
    let is_own = end.kind == Kind::LineComment && end.start.line == start.line;
    Line {
        start,
        tokens,
        before,
        suffix: is_own.then_some(end.text),
    }
}
