//! Credentials by URL: those that a configuration names for a place, else those of a netrc file.

mod by_url;
mod netrc;
mod provider;
mod secret;
mod url_prefix;

pub use by_url::{CredentialRule, CredentialsByUrl};
pub use netrc::Netrc;
pub use provider::{Provider, ProviderError};
pub use secret::{Secret, SecretError};
pub use url_prefix::{UrlPrefix, UrlPrefixError};
