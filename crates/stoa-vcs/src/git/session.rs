//! What one run of git that talks to a server is told, secrets included.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;

use super::{Credential, GitOptions, RepoUrl, Transport};

/// Git's configuration for one run, in a folder that only we may read, gone with this. Git is told its path alone, so
/// secrets are in no argument and no variable.
#[derive(Debug)]
pub(super) struct Session {
    folder: TempDir,
    ssh: Option<String>,
    /// What no error may show.
    pub(super) secrets: Vec<String>,
}

impl Session {
    /// Writes the configuration into a new folder `below` another. With `partial`, what is fetched may leave out objects.
    pub(super) fn new(
        below: &Path,
        url: &RepoUrl,
        options: &GitOptions,
        credential: Option<&Credential>,
        partial: bool,
    ) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("git-").tempdir_in(below)?;
        let mut secrets = Vec::new();
        let mut text = String::from(
            "[protocol]\nversion = 2\n[gc]\nauto = 0\n[maintenance]\nauto = false\n[fetch]\nunpackLimit = 1\n\
             [core]\nhooksPath = /dev/null\n",
        );
        if partial {
            text.push_str("[remote \"origin\"]\npromisor = true\npartialclonefilter = blob:none\n");
        }
        if url.transport() == Transport::File {
            text.push_str("[safe]\ndirectory = *\n");
        }
        let bearer = matches!(credential, Some(Credential::Bearer { .. }));
        // Git would repeat a header of the configuration at the place a redirect leads to.
        let follow = if bearer { "false" } else { "initial" };
        let _ = writeln!(text, "[http]\nfollowRedirects = {follow}");
        if let Some(proxy) = &options.proxy {
            let _ = writeln!(text, "proxy = {}", quote(proxy)?);
            let secret = url::Url::parse(proxy)
                .ok()
                .and_then(|url| url.password().map(str::to_owned));
            secrets.extend(secret);
        }
        if let Some(file) = &options.certificates {
            let _ = writeln!(text, "sslCAInfo = {}", quote(&file.to_string_lossy())?);
        }
        match credential {
            Some(Credential::Bearer { token }) => {
                let _ = writeln!(
                    text,
                    "extraHeader = {}",
                    quote(&format!("Authorization: Bearer {token}"))?
                );
                secrets.push(token.clone());
            }
            Some(Credential::Basic { user, password }) => {
                // Git's own helper, which reads this file in its home and matches scheme, host and port.
                text.push_str("[credential]\nhelper = store\n");
                let scheme = if url.transport() == Transport::Http {
                    "http"
                } else {
                    "https"
                };
                let (name, word) = (encode(user), encode(password));
                let line = format!("{scheme}://{name}:{word}@{}\n", url.authority());
                write(&folder.path().join(".git-credentials"), &line)?;
                let both = BASE64_STANDARD.encode(format!("{user}:{password}"));
                secrets.extend([password.clone(), word, both]);
            }
            _ => {}
        }
        write(&folder.path().join("config"), &text)?;
        let ssh = match url.transport() {
            Transport::Ssh => Some(ssh_command(credential)?),
            _ => None,
        };
        Ok(Self { folder, ssh, secrets })
    }

    /// The home of the program.
    pub(super) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration file.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The value of `GIT_SSH_COMMAND`.
    pub(super) fn ssh(&self) -> Option<&str> {
        self.ssh.as_deref()
    }
}

/// Writes a file that only we may read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// A value as git's configuration files write it.
pub(super) fn quote(value: &str) -> io::Result<String> {
    if value.contains(['\n', '\r', '\0']) {
        return Err(io::Error::other("a setting for git has a line break"));
    }
    Ok(format!(
        "\"{}\"",
        value.replace('\\', "\\\\").replace('"', "\\\"")
    ))
}

/// Text as a part of a URL: everything but letters and digits percent-encoded.
fn encode(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

/// The command git runs for ssh. Git gives it to a shell, so it is made of fixed words and of paths that mean nothing to
/// one.
fn ssh_command(credential: Option<&Credential>) -> io::Result<String> {
    let mut command = String::from(
        "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o IdentitiesOnly=yes \
         -o IdentityAgent=none -o ForwardAgent=no -o ClearAllForwardings=yes -o ConnectTimeout=30",
    );
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | ',' | '=');
    if let Some(Credential::SshKey { key, known_hosts }) = credential {
        for (path, option) in [(known_hosts, "-o UserKnownHostsFile="), (key, "-i ")] {
            let text = path
                .to_str()
                .filter(|text| text.starts_with('/') && text.chars().all(plain));
            let text =
                text.ok_or_else(|| io::Error::other("an ssh path is not absolute, or has odd characters"))?;
            let _ = write!(command, " {option}{text}");
        }
    } else {
        command.push_str(" -o UserKnownHostsFile=/dev/null");
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_paths_mean_nothing_to_a_shell() {
        let key = |key: &str| Credential::SshKey {
            key: key.into(),
            known_hosts: "/etc/stoa/known_hosts".into(),
        };
        let command = ssh_command(Some(&key("/etc/stoa/key"))).expect("good paths");
        assert!(command.ends_with(" -o UserKnownHostsFile=/etc/stoa/known_hosts -i /etc/stoa/key"));
        for bad in ["key", "/a b", "/a;b", "/$(b)", "/a'b", "-x"] {
            assert!(ssh_command(Some(&key(bad))).is_err(), "{bad}");
        }
    }

    #[test]
    fn quotes_settings() {
        assert_eq!(quote("a\\b\"c;#").expect("one line"), "\"a\\\\b\\\"c;#\"");
        assert!(quote("a\nb").is_err());
        assert_eq!(encode("a@b/ü"), "a%40b%2F%C3%BC");
    }
}
