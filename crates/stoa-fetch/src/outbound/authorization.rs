//! The value of `Authorization`.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;
use stoa_vcs::Credential;

/// What lets a request in. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Authorization(HeaderValue);

impl Authorization {
    /// `None` for texts that no header can have.
    pub(crate) fn basic(user: &str, password: &str) -> Option<Self> {
        let both = BASE64_STANDARD.encode(format!("{user}:{password}"));
        Self::new(&format!("Basic {both}"))
    }

    /// `None` for what is of no use for HTTP.
    pub(crate) fn of(credential: &Credential) -> Option<Self> {
        match credential {
            Credential::Basic { user, password } => Self::basic(user, password),
            Credential::Bearer { token } => Self::new(&format!("Bearer {token}")),
            Credential::SshKey { .. } | Credential::SshAgent { .. } => None,
        }
    }

    fn new(text: &str) -> Option<Self> {
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// For the request.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(redacted)")
    }
}
