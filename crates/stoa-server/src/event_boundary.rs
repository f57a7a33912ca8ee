//! Where events end in a `text/event-stream`.

/// Follows a stream of events, to tell where it may end: after a blank line, and before the first byte.
#[derive(Debug)]
pub(crate) struct EventBoundary {
    /// No character of the current line has come.
    is_line_empty: bool,
    /// The last byte was a carriage return. It ends a line; a line feed after it belongs to the same end.
    is_after_cr: bool,
    /// All that has come ends with the end of an event.
    is_at_end: bool,
}

impl EventBoundary {
    /// At the beginning of a stream.
    pub(crate) fn new() -> Self {
        Self {
            is_line_empty: true,
            is_after_cr: false,
            is_at_end: true,
        }
    }

    /// Whether the stream may end here.
    pub(crate) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Follows all bytes.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    /// Follows the bytes up to the first end of an event in them: how many those are, `None` if no event ends.
    pub(crate) fn pass_to_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = bytes.iter().position(|byte| {
            self.step(*byte);
            self.is_at_end
        })?;
        // The second half of a line end that has begun.
        let is_crlf = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
        Some(end + 1 + usize::from(is_crlf))
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'\n' if self.is_after_cr => self.is_after_cr = false,
            b'\n' | b'\r' => {
                self.is_at_end = self.is_line_empty;
                self.is_line_empty = true;
                self.is_after_cr = byte == b'\r';
            }
            _ => {
                *self = Self {
                    is_line_empty: false,
                    is_after_cr: false,
                    is_at_end: false,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_a_blank_line_however_lines_end() {
        for (text, ends) in [
            ("", true),
            ("data: 1", false),
            ("data: 1\n", false),
            ("data: 1\n\n", true),
            ("data: 1\r\n", false),
            ("data: 1\r\n\r\n", true),
            ("data: 1\r\r", true),
            ("data: 1\n\ndata: 2\n", false),
            ("data: 1\n\n:", false),
            (":\n\n\n", true),
        ] {
            let mut boundary = EventBoundary::new();
            boundary.pass(text.as_bytes());
            assert_eq!(boundary.is_at_end(), ends, "{text:?}");
            let mut bytewise = EventBoundary::new();
            text.bytes().for_each(|byte| bytewise.pass(&[byte]));
            assert_eq!(bytewise.is_at_end(), ends, "{text:?}");
        }
    }

    #[test]
    fn a_stream_ends_after_the_first_event_that_does() {
        for (before, text, want) in [
            ("data: 1", "1\n\ndata: 2\n\n", Some(3)),
            ("data: 1\n", "\ndata: 2\n\n", Some(1)),
            ("data: 1\r\n", "\r\ndata: 2", Some(2)),
            ("data: 1\r", "\n\r\n", Some(3)),
            ("data: 1", "1\ndata: 2\n", None),
            ("data: 1", "", None),
        ] {
            let mut boundary = EventBoundary::new();
            boundary.pass(before.as_bytes());
            assert_eq!(boundary.pass_to_end(text.as_bytes()), want, "{before:?} {text:?}");
        }
    }
}
