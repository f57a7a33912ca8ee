//! Passwords, tokens and keys for servers.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{Step, VcsError, VcsKind};

/// A password, a token or a key for a server.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// User and password, for the server that the URL names only.
    Basic {
        /// The user.
        user: String,
        /// The password or token.
        password: String,
    },
    /// A token, sent with every request. Redirects are not followed then.
    Bearer {
        /// The token.
        token: String,
    },
    /// A key for ssh.
    SshKey {
        /// The file of the private key, which must not need a passphrase: an absolute path.
        key: PathBuf,
        /// The file with the public keys of trusted hosts; without an entry no host is trusted. An absolute path.
        known_hosts: PathBuf,
    },
    /// The keys that an agent holds.
    SshAgent {
        /// The agent's socket: an absolute path.
        socket: PathBuf,
        /// The file with the public keys of trusted hosts; without an entry no host is trusted. An absolute path.
        known_hosts: PathBuf,
    },
}

impl Credential {
    /// The secrets, in all their spellings on the wire: no text that is shown may contain one.
    pub fn secrets(&self) -> Vec<String> {
        match self {
            Self::Basic { user, password } => {
                let both = BASE64_STANDARD.encode(format!("{user}:{password}"));
                vec![password.clone(), percent_encoded(password), both]
            }
            Self::Bearer { token } => vec![token.clone(), percent_encoded(token)],
            Self::SshKey { .. } | Self::SshAgent { .. } => Vec::new(),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Bearer { .. } => "Bearer",
            Self::SshKey { .. } => "SshKey",
            Self::SshAgent { .. } => "SshAgent",
        })
    }
}

/// Gives credentials for servers.
#[async_trait]
pub trait Credentials: fmt::Debug + Send + Sync + 'static {
    /// The credential to present at `url`. Asked before each program that talks to it.
    async fn for_url(&self, url: &str) -> Option<Credential>;
}

/// Text as a part of a URL: everything but letters and digits percent-encoded.
pub(crate) fn percent_encoded(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

/// The error for a credential that the program could take only in a way that other processes see.
pub(crate) fn unusable(vcs: VcsKind, what: &str) -> VcsError {
    VcsError::Failed {
        vcs,
        step: Step::Access,
        said: format!("{vcs} cannot be given {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_in_all_spellings_and_not_printed() {
        let basic = Credential::Basic {
            user: "u".to_owned(),
            password: "a@b/ü".to_owned(),
        };
        assert_eq!(basic.secrets(), ["a@b/ü", "a%40b%2F%C3%BC", "dTphQGIvw7w="]);
        assert_eq!(format!("{basic:?}"), "Basic");
    }
}
