//! Writing strings into go.mod files.

use std::borrow::Cow;

use crate::quote::Quoted;
use crate::unicode::is_print;

/// Reports whether `s` must be quoted to be a single token of a go.mod line (`modfile.MustQuote`).
pub fn must_quote(s: &str) -> bool {
    s.is_empty()
        || s.contains("//")
        || s.contains("/*")
        || s.chars().any(|c| match c {
            ' ' | '"' | '\'' | '`' => true,
            // Alone, each of these is a token of its own.
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => s.len() > 1,
            c => !is_print(c),
        })
}

/// `s` as a single token of a go.mod line, quoted if it must be (`modfile.AutoQuote`).
pub fn auto_quote(s: &str) -> Cow<'_, str> {
    if must_quote(s) {
        Cow::Owned(Quoted::text(s).to_string())
    } else {
        Cow::Borrowed(s)
    }
}
