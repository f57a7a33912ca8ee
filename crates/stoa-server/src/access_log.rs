//! One line for each request.

use std::{
    fmt::Write as _,
    io::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use stoa_telemetry::{LogFormat, LogWriter, is_unseen};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Writes access lines. It formats them without `tracing`, because a line is on the path of every hit: it costs a few
/// hundred nanoseconds.
#[derive(Debug)]
pub struct AccessLog {
    writer: LogWriter,
    format: LogFormat,
    second: Mutex<Second>,
}

/// The current second as text, so that a busy server formats it once.
#[derive(Debug, Default)]
struct Second {
    unix: u64,
    text: String,
}

/// What an access line says.
#[derive(Debug)]
pub(crate) struct Access<'a> {
    pub(crate) request_id: &'a [u8],
    pub(crate) remote: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) module: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    pub(crate) result: &'static str,
    pub(crate) bytes: u64,
    pub(crate) duration: Duration,
    /// The body did not reach its end.
    pub(crate) cut: bool,
    pub(crate) error: Option<&'a str>,
}

impl AccessLog {
    /// Lines of `format` to `writer`.
    pub fn new(writer: LogWriter, format: LogFormat) -> Self {
        Self {
            writer,
            format,
            second: Mutex::default(),
        }
    }

    pub(crate) fn write(&self, access: &Access<'_>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.writer.line(|line| {
            self.time(line, now);
            match self.format {
                LogFormat::Json => json(line, access),
                LogFormat::Text => text(line, access),
            }
        });
    }

    /// `2026-11-21T09:00:00.123Z`, in the form's dress.
    fn time(&self, line: &mut Vec<u8>, now: Duration) {
        let mut second = self.second.lock();
        if second.unix != now.as_secs() || second.text.is_empty() {
            let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
            let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let text = time.format(&Rfc3339).unwrap_or_default();
            second.text.clear();
            let _infallible = second.text.write_str(text.trim_end_matches('Z'));
            second.unix = now.as_secs();
        }
        let (open, close): (&[u8], &[u8]) = match self.format {
            LogFormat::Json => (
                b"{\"timestamp\":\"",
                b"Z\",\"level\":\"INFO\",\"message\":\"request\"",
            ),
            LogFormat::Text => (b"", b"Z  INFO request"),
        };
        line.extend_from_slice(open);
        line.extend_from_slice(second.text.as_bytes());
        let millis = now.subsec_millis();
        line.extend_from_slice(&[b'.', digit(millis / 100), digit(millis / 10), digit(millis)]);
        line.extend_from_slice(close);
    }
}

fn digit(number: u32) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

fn json(line: &mut Vec<u8>, access: &Access<'_>) {
    let mut string = |key: &str, value: &[u8]| {
        line.extend_from_slice(b",\"");
        line.extend_from_slice(key.as_bytes());
        line.extend_from_slice(b"\":\"");
        escaped(line, value);
        line.push(b'"');
    };
    string("request_id", access.request_id);
    string("remote", access.remote.as_bytes());
    string("method", access.method.as_bytes());
    string("path", access.path.as_bytes());
    if let Some(module) = access.module {
        string("module", module.as_bytes());
    }
    if let Some(version) = access.version {
        string("version", version.as_bytes());
    }
    string("result", access.result.as_bytes());
    if let Some(error) = access.error {
        string("error", error.as_bytes());
    }
    number(line, b",\"status\":", access.status.into());
    number(line, b",\"bytes\":", access.bytes);
    number(line, b",\"duration_us\":", micros(access.duration));
    if access.cut {
        line.extend_from_slice(b",\"cut\":true");
    }
    line.extend_from_slice(b"}\n");
}

fn text(line: &mut Vec<u8>, access: &Access<'_>) {
    let mut word = |key: &str, value: &[u8]| {
        line.push(b' ');
        line.extend_from_slice(key.as_bytes());
        line.push(b'=');
        let plain = !value.is_empty() && value.iter().all(|b| b.is_ascii_graphic() && *b != b'"');
        if plain {
            line.extend_from_slice(value);
        } else {
            line.push(b'"');
            escaped(line, value);
            line.push(b'"');
        }
    };
    word("method", access.method.as_bytes());
    word("path", access.path.as_bytes());
    if let Some(module) = access.module {
        word("module", module.as_bytes());
    }
    if let Some(version) = access.version {
        word("version", version.as_bytes());
    }
    word("result", access.result.as_bytes());
    if let Some(error) = access.error {
        word("error", error.as_bytes());
    }
    word("remote", access.remote.as_bytes());
    word("request_id", access.request_id);
    number(line, b" status=", access.status.into());
    number(line, b" bytes=", access.bytes);
    number(line, b" duration_us=", micros(access.duration));
    if access.cut {
        line.extend_from_slice(b" cut=true");
    }
    line.push(b'\n');
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn number(line: &mut Vec<u8>, key: &[u8], value: u64) {
    line.extend_from_slice(key);
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// JSON string escapes, also of characters that do not show. Bytes that are no UTF-8 become U+FFFD, so that a line is always text.
fn escaped(line: &mut Vec<u8>, value: &[u8]) {
    if is_plain(value) {
        line.extend_from_slice(value);
        return;
    }
    for char in String::from_utf8_lossy(value).chars() {
        let _infallible = match char {
            '"' => line.write_all(b"\\\""),
            '\\' => line.write_all(b"\\\\"),
            '\n' => line.write_all(b"\\n"),
            char if char.is_control() || is_unseen(char) => char
                .encode_utf16(&mut [0; 2])
                .iter()
                .try_for_each(|unit| write!(line, "\\u{unit:04x}")),
            char => write!(line, "{char}"),
        };
    }
}

/// Whether nothing has to be escaped. Sixteen bytes are looked at together: with an early end for each byte this was the
/// dearest step of a hit.
fn is_plain(value: &[u8]) -> bool {
    let is_special = |byte: u8| !matches!(byte, 0x20..=0x7e) || byte == b'"' || byte == b'\\';
    let (chunks, rest) = value.as_chunks::<16>();
    let special = |bytes: &[u8]| bytes.iter().fold(false, |any, byte| any | is_special(*byte));
    !chunks.iter().any(|chunk| special(chunk)) && !special(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_telemetry::LogSink;

    fn line(format: LogFormat, path: &str) -> String {
        let access = Access {
            request_id: b"r1",
            remote: "127.0.0.1:9",
            method: "GET",
            path,
            status: 200,
            module: Some("example.com/a"),
            version: Some("v1.0.0"),
            result: "hit",
            bytes: 12,
            duration: Duration::from_micros(34),
            cut: false,
            error: None,
        };
        let output = tempfile::NamedTempFile::new().expect("file");
        let sink = LogSink::new(output.reopen().expect("reopen")).expect("thread");
        AccessLog::new(sink.writer(), format).write(&access);
        drop(sink);
        std::fs::read_to_string(output.path()).expect("utf-8")
    }

    #[test]
    fn a_json_line_is_json_whatever_the_path() {
        let line = line(LogFormat::Json, "/\"\\\n\u{1}é");
        let json: serde_json::Value = serde_json::from_str(&line).expect(&line);
        assert_eq!(json["path"], "/\"\\\n\u{1}é");
        assert_eq!(
            (&json["result"], &json["bytes"], &json["duration_us"]),
            (&"hit".into(), &12.into(), &34.into())
        );
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn what_does_not_show_is_escaped_in_both_forms() {
        let path = "/\u{1b}[2J\u{202e}\u{9b}\u{2028}\u{200b}\u{e0041}";
        let shown = "/\\u001b[2J\\u202e\\u009b\\u2028\\u200b\\udb40\\udc41";
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = line(format, path);
            assert!(line.contains(shown), "{line}");
        }
        let json: serde_json::Value = serde_json::from_str(&line(LogFormat::Json, path)).expect("json");
        assert_eq!(json["path"], path);
    }

    #[test]
    fn what_is_escaped_is_found_at_every_place() {
        for len in 0..50 {
            let mut value = vec![b'a'; len];
            assert!(is_plain(&value), "{len}");
            for at in 0..len {
                for special in [b'"', b'\\', 0x1f, 0x7f, 0x80, 0xff, b'\n'] {
                    value[at] = special;
                    assert!(!is_plain(&value), "{special} at {at} of {len}");
                }
                for plain in [b' ', b'~', b'!', b'#', b'[', b']'] {
                    value[at] = plain;
                    assert!(is_plain(&value), "{plain} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn a_text_line_quotes_what_would_break_it() {
        let line = line(LogFormat::Text, "/a b\n");
        assert!(
            line.contains(" path=\"/a b\\n\" module=example.com/a version=v1.0.0 result=hit "),
            "{line}"
        );
        assert!(
            line.ends_with(" request_id=r1 status=200 bytes=12 duration_us=34\n"),
            "{line}"
        );
    }
}
