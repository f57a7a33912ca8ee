//! The configuration of one run of git that talks to a server, secrets included.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::{GitOptions, RepoUrl, Transport};
use crate::credentials::percent_encoded;
use crate::{Credential, HttpProxy, ProxySession, ssh};

/// Git's configuration for one run, in a folder that only this user can read; dropping this removes it. Git is given only
/// the path, so that secrets are in no argument and no variable.
#[derive(Debug)]
pub(super) struct Session {
    folder: TempDir,
    ssh: Option<String>,
    /// What the proxy lets the run do.
    proxy: Option<Arc<dyn ProxySession>>,
    /// What no error may show.
    pub(super) secrets: Vec<String>,
}

/// What differs from run to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionInput<'a> {
    pub(super) credential: Option<&'a Credential>,
    pub(super) proxy: Option<&'a HttpProxy>,
    /// What is fetched may leave out objects.
    pub(super) partial: bool,
}

impl Session {
    /// Writes the configuration into a new folder `below` another.
    pub(super) async fn new(
        below: &Path,
        url: &RepoUrl,
        options: &GitOptions,
        input: SessionInput<'_>,
    ) -> io::Result<Self> {
        let SessionInput {
            credential,
            proxy,
            partial,
        } = input;
        let mut files = Vec::new();
        let mut secrets = credential.map(Credential::secrets).unwrap_or_default();
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
        // Git would send a configured header also to the server that a redirect leads to. The proxy keeps it from that.
        let follow = if bearer && proxy.is_none() {
            "false"
        } else {
            "initial"
        };
        let _ = writeln!(text, "[http]\nfollowRedirects = {follow}");
        if let Some(proxy) = proxy {
            let _ = writeln!(text, "proxy = {}\nproxyAuthMethod = basic", quote(&proxy.url())?);
            secrets.push(proxy.password.clone());
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
            }
            Some(Credential::Basic { user, password }) => {
                // Git's own helper, which reads this file in its home and matches scheme, host and port.
                text.push_str("[credential]\nhelper = store\n");
                let scheme = if url.transport() == Transport::Http {
                    "http"
                } else {
                    "https"
                };
                let (name, word) = (percent_encoded(user), percent_encoded(password));
                let line = format!("{scheme}://{name}:{word}@{}\n", url.authority());
                files.push((".git-credentials", line));
            }
            _ => {}
        }
        files.push(("config", text));
        let ssh = match url.transport() {
            Transport::Ssh => Some(ssh::command(credential)?),
            _ => None,
        };
        let below = below.to_owned();
        Ok(Self {
            folder: blocking(move || folder(&below, &files)).await?,
            ssh,
            proxy: proxy.map(|proxy| Arc::clone(&proxy.session)),
            secrets,
        })
    }

    /// Removes the files, off the threads that answer. Dropping it removes them too.
    pub(super) async fn end(self) {
        let folder = self.folder;
        // What could not be removed is gone when the cache is opened again.
        let _ = blocking(move || folder.close()).await;
    }

    /// The home of the program.
    pub(super) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// What the proxy lets the run do, if there is a proxy.
    pub(super) fn proxy(&self) -> Option<Arc<dyn ProxySession>> {
        self.proxy.clone()
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

/// Makes a folder with these files.
fn folder(below: &Path, files: &[(&str, String)]) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("git-").tempdir_in(below)?;
    for (name, text) in files {
        write(&folder.path().join(name), text)?;
    }
    Ok(folder)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Writes a file that only this user can read.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_settings() {
        assert_eq!(quote("a\\b\"c;#").expect("one line"), "\"a\\\\b\\\"c;#\"");
        assert!(quote("a\nb").is_err());
    }
}
