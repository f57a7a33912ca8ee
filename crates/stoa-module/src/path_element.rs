//! The rules for the elements of paths.

use crate::path_error::PathReason;
use crate::path_kind::PathKind;
use crate::unicode::is_letter;

impl PathKind {
    /// Checks one element of a path (`checkElem`).
    pub(crate) fn check_element(self, element: &str) -> Result<(), PathReason> {
        if element.is_empty() {
            return Err(PathReason::EmptyElement);
        }
        if element.bytes().all(|b| b == b'.') {
            return Err(PathReason::InvalidElement(element.into()));
        }
        if element.starts_with('.') && self == Self::Module {
            return Err(PathReason::LeadingDot);
        }
        if element.ends_with('.') {
            return Err(PathReason::TrailingDot);
        }
        if let Some(c) = element.chars().find(|&c| !self.allows(c)) {
            return Err(PathReason::InvalidChar(c));
        }
        let short = element.split_once('.').map_or(element, |(short, _)| short);
        if is_reserved_on_windows(short) {
            return Err(PathReason::ReservedOnWindows(short.into()));
        }
        // Short names trouble import paths only; files may be called so.
        if self != Self::File && is_windows_short_name(short) {
            return Err(PathReason::ShortName);
        }
        Ok(())
    }

    fn allows(self, c: char) -> bool {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => true,
            '+' => self != Self::Module,
            '!' | '#' | '$' | '%' | '&' | '(' | ')' | ',' | '=' | '@' | '[' | ']' | '^' | '{' | '}' | ' ' => {
                self == Self::File
            }
            c => self == Self::File && !c.is_ascii() && is_letter(c),
        }
    }
}

/// The device names Windows reserves in every directory, in any case and whatever follows the first dot.
fn is_reserved_on_windows(short: &str) -> bool {
    let bytes = short.as_bytes();
    match bytes.len() {
        3 => [b"CON", b"PRN", b"AUX", b"NUL"]
            .iter()
            .any(|name| bytes.eq_ignore_ascii_case(*name)),
        4 => {
            (bytes[..3].eq_ignore_ascii_case(b"COM") || bytes[..3].eq_ignore_ascii_case(b"LPT"))
                && matches!(bytes[3], b'1'..=b'9')
        }
        _ => false,
    }
}

fn is_windows_short_name(short: &str) -> bool {
    short
        .rsplit_once('~')
        .is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
