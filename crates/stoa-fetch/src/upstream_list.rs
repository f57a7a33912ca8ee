//! GOPROXY list syntax.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::{BaseUrl, FileTree, ListError, shown_url::shown_url};

/// One entry of a GOPROXY list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An http or https server.
    Server(BaseUrl),
    /// A local tree.
    File(PathBuf),
    /// The servers that a registry has under this name.
    Registered(String),
    /// The module's own repository.
    Direct,
    /// No source: the list ends here.
    Off,
}

/// Which errors of an entry let the next one be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// `,`: only not-found (404, 410).
    NotFound,
    /// `|`: any error.
    Any,
}

/// A GOPROXY list: `https://a.example|https://b.example,direct`.
///
/// The syntax is the go command's (`modfetch/proxy.go`): entries are trimmed, empty ones skipped, `direct` and `off`
/// end the list, a bare host gets `https://` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamList {
    /// Never empty; the separator after the last entry means nothing.
    entries: Vec<(Entry, Fallback)>,
}

impl UpstreamList {
    /// The entries in order, each with the separator that follows it.
    pub fn entries(&self) -> &[(Entry, Fallback)] {
        &self.entries
    }
}

impl FromStr for UpstreamList {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let mut entries = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (word, fallback, after) = match rest.find([',', '|']) {
                Some(i) if rest.as_bytes()[i] == b'|' => (&rest[..i], Fallback::Any, &rest[i + 1..]),
                Some(i) => (&rest[..i], Fallback::NotFound, &rest[i + 1..]),
                None => (rest, Fallback::NotFound, ""),
            };
            rest = after;
            let word = word.trim();
            if word.is_empty() {
                continue;
            }
            let entry = entry(word)?;
            let last = matches!(entry, Entry::Direct | Entry::Off);
            entries.push((entry, fallback));
            if last {
                break;
            }
        }
        if entries.is_empty() {
            return Err(ListError::new(
                "the upstream list is empty: name a proxy URL, direct or off",
            ));
        }
        Ok(Self { entries })
    }
}

fn entry(word: &str) -> Result<Entry, ListError> {
    match word {
        "direct" => return Ok(Entry::Direct),
        "off" => return Ok(Entry::Off),
        _ => {}
    }
    // URL parsers take it for a slash, so what is behind it may be a user and a password.
    if word.contains('\\') {
        return Err(ListError::new("bad upstream: write slashes, and no backslash"));
    }
    if let Some(service) = word.strip_prefix("registry:") {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if service.is_empty() || service.len() > 128 || !service.bytes().all(is_plain) {
            return Err(ListError::new(
                "bad upstream: write registry:NAME, the name of a service in letters, digits, ., _ and -",
            ));
        }
        return Ok(Entry::Registered(service.to_owned()));
    }
    if word.starts_with("file:") {
        return FileTree::parse(word).map(Entry::File);
    }
    if word.contains("://") {
        return BaseUrl::parse(word).map(Entry::Server);
    }
    // Single words are reserved, as in cmd/go; anything that looks like a host is one.
    if word.contains(['.', ':', '/']) && !word.contains(":/") {
        return BaseUrl::parse(&format!("https://{word}")).map(Entry::Server);
    }
    Err(ListError::new(format!(
        "bad upstream {:?}: write a URL, direct or off",
        shown_url(word)
    )))
}

impl fmt::Display for UpstreamList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (entry, fallback)) in self.entries.iter().enumerate() {
            match entry {
                Entry::Server(base) => write!(f, "{base}")?,
                Entry::File(root) => write!(f, "file://{}", root.display())?,
                Entry::Registered(service) => write!(f, "registry:{service}")?,
                Entry::Direct => f.write_str("direct")?,
                Entry::Off => f.write_str("off")?,
            }
            if i + 1 < self.entries.len() {
                f.write_str(if *fallback == Fallback::Any { "|" } else { "," })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<String, String> {
        text.parse::<UpstreamList>()
            .map(|l| l.to_string())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn the_list_reads_as_the_go_command_reads_it() {
        for (text, want) in [
            ("https://a.example", "https://a.example"),
            (
                " https://a.example/x/ , proxy.corp | direct",
                "https://a.example/x,https://proxy.corp|direct",
            ),
            (
                "https://a.example,direct,https://b.example",
                "https://a.example,direct",
            ),
            (",,off|direct", "off"),
            ("file:///srv/go,off", "file:///srv/go,off"),
            ("registry:goproxy|direct", "registry:goproxy|direct"),
            ("localhost:3000", "https://localhost:3000"),
        ] {
            assert_eq!(list(text), Ok(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn lists_that_name_nobody_are_refused() {
        for (text, want) in [
            ("", "the upstream list is empty"),
            (" , | ", "the upstream list is empty"),
            ("proxy", "bad upstream \"proxy\""),
            ("noproxy,direct", "bad upstream \"noproxy\""),
            ("ftp://a.example", "scheme \"ftp\""),
            ("http:/a.example", "bad upstream"),
        ] {
            let error = list(text).expect_err(text);
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_in_a_bad_url_is_not_repeated() {
        for text in [
            "http://bot:hunter2@a.example",
            "https:\\\\bot:hunter2@a.example",
            "https:\\/bot:hunter2@a.example",
            "http:/bot:hunter2@a.example",
            "ftp://bot:hunter2@a.example",
            "https://bot:hunter2@a b",
            "file://bot:hunter2@/srv",
        ] {
            let error = list(text).expect_err(text);
            assert!(
                !error.contains("hunter2") && !error.contains("bot"),
                "{text}: {error}"
            );
        }
    }
}
