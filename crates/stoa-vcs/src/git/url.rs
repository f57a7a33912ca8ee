//! Where a git repository is.

use std::fmt;

use url::Url;

use crate::{Step, VcsError, VcsKind};

/// The longest URL, in bytes.
const LONGEST: usize = 2000;

/// The URL of a repository, of a known transport, without credentials, that no program can take for anything else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RepoUrl {
    text: String,
    transport: Transport,
}

/// How a repository is reached; what git calls protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP over TLS.
    Https,
    /// HTTP in the clear.
    Http,
    /// SSH.
    Ssh,
    /// Git's own, in the clear.
    Git,
    /// A folder of this machine.
    File,
}

impl RepoUrl {
    /// A URL as a go-import page has it; `None` says why not.
    pub fn parse(text: &str) -> Result<Self, VcsError> {
        let refuse = |why: &str| VcsError::Failed {
            vcs: VcsKind::Git,
            step: Step::Access,
            said: format!("not the URL of a repository: {why}"),
        };
        let odd = |byte: u8| byte <= b' ' || matches!(byte, 0x7f | b'\\' | b'"' | b'\'' | b'`' | b'#');
        if text.len() > LONGEST || text.bytes().any(odd) {
            return Err(refuse("it is too long or has odd characters"));
        }
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let transport = match url.scheme() {
            "https" => Transport::Https,
            "http" => Transport::Http,
            "ssh" | "git+ssh" | "ssh+git" => Transport::Ssh,
            "git" => Transport::Git,
            "file" => Transport::File,
            other => return Err(refuse(&format!("unknown scheme {other}"))),
        };
        if !text.starts_with(&format!("{}://", url.scheme())) {
            return Err(refuse("it has no lower-case scheme before ://"));
        }
        let host = url.host_str().unwrap_or_default();
        // It takes more than one slash for none, which programs do not.
        if text.contains(":///") != (transport == Transport::File) {
            return Err(refuse("it has no host, or one too many"));
        }
        if host.starts_with('-') || host.is_empty() != (transport == Transport::File) {
            return Err(refuse("it has an odd host"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let user = url.username();
        let user = user.is_empty()
            || transport == Transport::Ssh && !user.starts_with('-') && user.chars().all(plain);
        if !user || url.password().is_some() {
            return Err(refuse("credentials do not belong there"));
        }
        let text = text.to_owned();
        Ok(Self { text, transport })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is reached.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Host and port as written, percent-encoding kept.
    pub(super) fn authority(&self) -> &str {
        let after = self.text.split_once("://").map_or("", |(_, after)| after);
        after.split(['/', '?']).next().unwrap_or_default()
    }
}

impl fmt::Debug for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_repositories() {
        for good in [
            "https://example.com/a/b.git",
            "http://127.0.0.1:80/a",
            "ssh://git@example.com:22/a",
            "git+ssh://example.com/a",
            "ssh+git://example.com/a",
            "git://example.com/a",
            "file:///srv/a",
        ] {
            assert!(RepoUrl::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn refuses_what_programs_could_misread() {
        for bad in [
            "",
            "-u",
            "--upload-pack=touch x",
            "ext::sh -c true",
            "ext::sh%20-c",
            "ext://x/y",
            "git@example.com:a/b",
            "/srv/a",
            "file://host/a",
            "https:example.com/a",
            "HTTPS://example.com/a",
            "https://user@example.com/a",
            "https://user:secret@example.com/a",
            "ssh://u:p@example.com/a",
            "ssh://-oProxyCommand=x/a",
            "ssh://-l@example.com/a",
            "https://example.com/a\nb",
            "https://example.com\\@evil.example/a",
            "https://example.com/a b",
            "https:///a",
        ] {
            assert!(RepoUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
