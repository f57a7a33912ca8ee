//! The escaped form of paths and versions: every upper-case letter becomes `!` and its lower-case one.
//!
//! It exists so that file systems and web servers that fold case can hold any two modules apart.

use std::borrow::Cow;

/// Whether text has an escaped form: a `!` and anything beyond ASCII have none.
pub(crate) fn is_escapable(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && b != b'!')
}

/// Escapes text that [`is_escapable`].
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    if capitals == 0 {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + capitals);
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    Cow::Owned(escaped)
}

/// Undoes [`escape`]. `None` if the bytes are not its output for any text: aliases are refused, so that each
/// value has one name.
pub(crate) fn unescape(escaped: &[u8]) -> Option<Cow<'_, str>> {
    let mut bangs = 0;
    for &b in escaped {
        if !b.is_ascii() || b.is_ascii_uppercase() {
            return None;
        }
        bangs += usize::from(b == b'!');
    }
    if bangs == 0 {
        return std::str::from_utf8(escaped).ok().map(Cow::Borrowed);
    }
    let mut text = String::with_capacity(escaped.len() - bangs);
    let mut bytes = escaped.iter();
    while let Some(&b) = bytes.next() {
        let c = match b {
            b'!' => bytes
                .next()
                .filter(|b| b.is_ascii_lowercase())?
                .to_ascii_uppercase(),
            b => b,
        };
        text.push(char::from(c));
    }
    Some(Cow::Owned(text))
}
