//! Text in which every character shows.

use std::{borrow::Cow, fmt::Write as _, io};

/// Whether a character steers a terminal, or how text around it is laid out, instead of showing itself: control
/// characters, format characters (those that turn the direction of text among them), and the separators of lines and
/// paragraphs. These are the Unicode categories Cc, Cf, Zl and Zp. A tab does no harm and is none of them.
pub fn is_unseen(character: char) -> bool {
    match character {
        '\t' | ' '..='~' => false,
        '\0'..='\u{9f}' => true,
        _ => FORMAT
            .binary_search_by(|(first, last)| {
                if *last < character {
                    std::cmp::Ordering::Less
                } else if *first > character {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok(),
    }
}

/// The categories Cf, Zl and Zp of Unicode 16, in order.
const FORMAT: [(char, char); 21] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0001}', '\u{e0001}'),
    ('\u{e0020}', '\u{e007f}'),
];

/// One line of text, with the characters that do not show written as JSON escapes them: `\u001b`, `\n`. What is JSON
/// stays JSON of the same meaning, if it is in one line.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
    if text.bytes().all(is_plain) || !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            unseen if is_unseen(unseen) => escape(&mut shown, unseen),
            seen => shown.push(seen),
        }
    }
    Cow::Owned(shown)
}

/// Lines of text, or JSON in several lines, in which every character shows. The ends of the lines stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    if !text
        .chars()
        .any(|character| character != '\n' && is_unseen(character))
    {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(visible).collect();
    Cow::Owned(lines.join("\n"))
}

fn escape(shown: &mut String, unseen: char) {
    for unit in unseen.encode_utf16(&mut [0; 2]) {
        let _infallible = write!(shown, "\\u{unit:04x}");
    }
}

/// Passes lines on to a terminal or a file, with every character visible.
///
/// What is not UTF-8 becomes U+FFFD; a character must not be cut between two writes.
#[derive(Debug)]
pub struct VisibleWriter<W>(pub W);

impl<W: io::Write> io::Write for VisibleWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(visible_lines(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_does_not_show_is_escaped_and_the_rest_is_not() {
        for (text, want) in [
            ("", ""),
            ("plain\ttext ~", "plain\ttext ~"),
            (
                "\u{e9} \u{4e16} \u{1f980} \u{a0}",
                "\u{e9} \u{4e16} \u{1f980} \u{a0}",
            ),
            ("a\u{1b}[31mb", "a\\u001b[31mb"),
            ("a\r\nb\0", "a\\u000d\\nb\\u0000"),
            ("\u{7f}\u{85}\u{9b}", "\\u007f\\u0085\\u009b"),
            (
                "\u{202e}gpj\u{202c}\u{2066}\u{2069}",
                "\\u202egpj\\u202c\\u2066\\u2069",
            ),
            (
                "\u{2028}\u{2029}\u{200b}\u{feff}\u{ad}",
                "\\u2028\\u2029\\u200b\\ufeff\\u00ad",
            ),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(visible(text), want, "{text:?}");
        }
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(FORMAT.is_sorted());
        assert!(
            FORMAT
                .iter()
                .all(|(first, last)| is_unseen(*first) && is_unseen(*last))
        );
        let unseen = ('\u{a0}'..='\u{10ffff}')
            .filter(|character| is_unseen(*character))
            .count();
        let ranges = FORMAT
            .iter()
            .map(|(first, last)| 1 + u32::from(*last) - u32::from(*first));
        assert_eq!(unseen, ranges.sum::<u32>() as usize);
    }

    #[test]
    fn lines_stay_lines() {
        let mut output = Vec::new();
        let mut writer = VisibleWriter(&mut output);
        writer
            .write_all("{\n  \"a\": \"\u{202e}\u{9b}\"\n}\n".as_bytes())
            .expect("write");
        writer.write_all(b"\x1b[2J\xff\n").expect("write");
        let want = "{\n  \"a\": \"\\u202e\\u009b\"\n}\n\\u001b[2J\u{fffd}\n";
        assert_eq!(String::from_utf8(output).expect("text"), want);
    }
}
