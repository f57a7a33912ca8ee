//! Which types of content a job accepts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest rule, in bytes.
const LONGEST: usize = 1_024;

/// A text is no rule about types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MimeRuleError {
    /// It is too long.
    #[error("a mime type rule has at most 1024 bytes, and this one has {0}")]
    Long(usize),
    /// A part of it is empty.
    #[error("a part of the mime type rule is empty")]
    Empty,
    /// A pattern is malformed.
    #[error("the mime type pattern {0:?} is malformed")]
    Pattern(String),
    /// `any(` has no end, or something comes after it.
    #[error("any(...) in a mime type rule is not closed, or something other than a comma follows it")]
    Any,
}

/// Which types of content a job accepts: the grammar of skroutz/downloader and `any(...)`.
///
/// A rule is a list of parts with commas between them, all of which must hold. A part is a pattern as Go's `filepath.Match`
/// has them (`*` and `?` do not match `/`; `[a-z]`, `[^a-z]`; `\` takes a character literally); `any(PATTERN,...)`, of which
/// at least one must hold; or either of them after `!`, which must not hold. Spaces around a part do not count.
///
/// ```
/// use stoa_jobs::download::MimeRule;
///
/// let rule: MimeRule = "image/*,!image/vnd.adobe.photoshop".parse()?;
/// assert!(rule.accepts("image/png"));
/// assert!(!rule.accepts("image/vnd.adobe.photoshop"));
/// let rule: MimeRule = "any(image/png,image/jpeg)".parse()?;
/// assert!(rule.accepts("image/jpeg"));
/// # Ok::<_, stoa_jobs::download::MimeRuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MimeRule {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    is_negated: bool,
    any: Vec<Alternative>,
}

/// A pattern inside of `any(...)`; outside, the only one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    is_negated: bool,
    pattern: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// One character but `/`.
    One,
    /// Any number of characters but `/`.
    Star,
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl MimeRule {
    /// Whether content of this type is accepted.
    pub fn accepts(&self, mime_type: &str) -> bool {
        let text: Vec<char> = mime_type.chars().collect();
        let holds =
            |alternative: &Alternative| matches(&alternative.pattern, &text) != alternative.is_negated;
        self.parts
            .iter()
            .all(|part| part.any.iter().any(holds) != part.is_negated)
    }

    /// The rule as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for MimeRule {
    type Err = MimeRuleError;

    fn from_str(text: &str) -> Result<Self, MimeRuleError> {
        if text.len() > LONGEST {
            return Err(MimeRuleError::Long(text.len()));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (is_negated, part) = negation(rest.trim_start());
            let (any, after) = if let Some(list) = part.strip_prefix("any(") {
                let (list, after) = list.split_once(')').ok_or(MimeRuleError::Any)?;
                let any: Result<_, _> = list.split(',').map(alternative).collect();
                (any?, after.trim_start())
            } else {
                let end = part.find(',').unwrap_or(part.len());
                let is_negated = false;
                let pattern = pattern(part[..end].trim_end())?;
                (vec![Alternative { is_negated, pattern }], &part[end..])
            };
            parts.push(Part { is_negated, any });
            if after.is_empty() {
                break;
            }
            rest = after.strip_prefix(',').ok_or(MimeRuleError::Any)?;
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }
}

impl fmt::Display for MimeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for MimeRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for MimeRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

fn negation(part: &str) -> (bool, &str) {
    part.strip_prefix('!')
        .map_or((false, part), |part| (true, part.trim_start()))
}

fn alternative(text: &str) -> Result<Alternative, MimeRuleError> {
    let (is_negated, text) = negation(text.trim());
    let pattern = pattern(text)?;
    Ok(Alternative { is_negated, pattern })
}

fn pattern(text: &str) -> Result<Vec<Token>, MimeRuleError> {
    if text.is_empty() {
        return Err(MimeRuleError::Empty);
    }
    let malformed = || MimeRuleError::Pattern(text.to_owned());
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        tokens.push(match character {
            '*' => Token::Star,
            '?' => Token::One,
            '\\' => Token::Literal(rest.next().ok_or_else(malformed)?),
            '[' => class(&mut rest).ok_or_else(malformed)?,
            literal => Token::Literal(literal),
        });
    }
    Ok(tokens)
}

/// What comes after `[`, to the `]`; none if it is malformed.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let is_negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.next_if_eq(&']').is_some() {
            return Some(Token::Class { is_negated, ranges });
        }
        let low = bound(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() {
            bound(rest)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

fn bound(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        character => Some(character),
    }
}

/// Whether a pattern matches the whole text. On a mismatch only the last star is tried again, so the work is bounded by the
/// product of the lengths.
fn matches(pattern: &[Token], text: &[char]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() || token < pattern.len() {
        if pattern.get(token) == Some(&Token::Star) {
            star = Some((token, at));
            token += 1;
            continue;
        }
        let is_match = match (pattern.get(token), text.get(at)) {
            (Some(token), Some(character)) => matches_one(token, *character),
            _ => false,
        };
        if is_match {
            (token, at) = (token + 1, at + 1);
            continue;
        }
        match star {
            Some((of_star, taken)) if text.get(taken).is_some_and(|next| *next != '/') => {
                star = Some((of_star, taken + 1));
                (token, at) = (of_star + 1, taken + 1);
            }
            _ => return false,
        }
    }
    true
}

fn matches_one(token: &Token, character: char) -> bool {
    match token {
        Token::Literal(literal) => *literal == character,
        Token::One => character != '/',
        Token::Star => false,
        Token::Class { is_negated, ranges } => {
            let is_in = ranges
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&character));
            is_in != *is_negated
        }
    }
}

#[cfg(test)]
mod tests;
