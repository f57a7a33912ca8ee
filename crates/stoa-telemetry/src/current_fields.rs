//! The fields of a span as text, each once.

use tracing::span::Record;
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FormatFields, FormattedFields,
        format::{DefaultFields, Writer},
    },
};

/// Formats fields as `tracing_subscriber` does by default, but for a field of a span that is recorded again: its new
/// value replaces the old one, where the default would append a second field of the same name.
///
/// What is replaced must be a number or a string; other values may be text that reads like another field.
#[derive(Debug, Default)]
pub(crate) struct CurrentFields {
    inner: DefaultFields,
}

impl<'writer> FormatFields<'writer> for CurrentFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> std::fmt::Result {
        self.inner.format_fields(writer, fields)
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> std::fmt::Result {
        let mut recorded = String::new();
        self.inner.format_fields(Writer::new(&mut recorded), fields)?;
        current.fields = merged(&current.fields, &recorded);
        Ok(())
    }
}

/// The fields of `current`, with the values of `recorded` where it has them, then the other fields of `recorded`.
fn merged(current: &str, recorded: &str) -> String {
    let mut fields: Vec<&str> = split(current).collect();
    for field in split(recorded) {
        match fields.iter_mut().find(|known| name(known) == name(field)) {
            Some(known) => *known = field,
            None => fields.push(field),
        }
    }
    fields.join(" ")
}

/// `name` of `name=value`; a message has no name.
fn name(field: &str) -> Option<&str> {
    field.split_once('=').map(|(name, _)| name)
}

/// Splits `a=1 b="x y"` at the spaces outside of quotes.
fn split(fields: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    fields
        .split(move |char| {
            let is_end = char == ' ' && !is_quoted;
            if char == '"' && !is_escaped {
                is_quoted = !is_quoted;
            }
            is_escaped = char == '\\' && !is_escaped;
            is_end
        })
        .filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_recorded_again_has_one_value() {
        for (current, recorded, want) in [
            ("", "a=1", "a=1"),
            ("a=1", "b=2", "a=1 b=2"),
            ("a=1 b=2 c=3", "b=\"x y\"", "a=1 b=\"x y\" c=3"),
            ("id=7 ids=\"a b\"", "ids=\"a b c\"", "id=7 ids=\"a b c\""),
            // Ids are chosen by clients: what is quoted is no field.
            ("id=7 ids=\"a id=9\"", "id=8", "id=8 ids=\"a id=9\""),
            (
                "id=7 ids=\"a\\\" id=9 \\\\\" z=1",
                "id=8",
                "id=8 ids=\"a\\\" id=9 \\\\\" z=1",
            ),
            ("a=1", "", "a=1"),
        ] {
            assert_eq!(merged(current, recorded), want, "{current} + {recorded}");
        }
    }
}
