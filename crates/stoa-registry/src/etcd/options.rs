//! Where etcd is, and how it is asked.

use std::{fmt, time::Duration};

use url::Url;

use crate::RegistryError;

/// Where etcd is, and how it is asked.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// The URLs of its members, as `http://HOST:2379`: one or more, of one cluster. A path is what the gateway stands
    /// behind.
    pub endpoints: Vec<Url>,
    /// What every key begins with; one that does not end with `/` gets it.
    pub prefix: String,
    /// Who asks, if etcd wants to know.
    pub credentials: Option<Credentials>,
    /// How long one member may take for one answer. A call that asks several members, or several times, ends within four of
    /// these.
    pub timeout: Duration,
}

/// A user and a password. The password is never printed.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl EtcdOptions {
    /// What keys begin with if nothing else is said.
    pub const PREFIX: &str = "/stoa/registry/";
    /// How long an answer may take if nothing else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(3);

    /// Asks these members, with the defaults.
    pub fn new(endpoints: Vec<Url>) -> Self {
        Self {
            endpoints,
            prefix: Self::PREFIX.to_owned(),
            credentials: None,
            timeout: Self::TIMEOUT,
        }
    }

    /// The options, if etcd can be asked with them. A URL becomes one that paths can be joined to.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Invalid`] if there is no endpoint, or one that is no URL of HTTP or holds a password, or no prefix.
    pub(super) fn checked(mut self) -> Result<Self, RegistryError> {
        if self.endpoints.is_empty() {
            return Err(RegistryError::invalid("etcd needs an endpoint: http://HOST:2379"));
        }
        for url in &mut self.endpoints {
            let is_http = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
            let is_plain = url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            if !is_http || !is_plain {
                // The URL itself is not named, for it may hold a password.
                return Err(RegistryError::invalid(
                    "an endpoint of etcd is http://HOST:2379 or https://HOST:2379, without a user, a query or a fragment",
                ));
            }
            if !url.path().ends_with('/') {
                let path = format!("{}/", url.path());
                url.set_path(&path);
            }
        }
        if self.prefix.is_empty() {
            return Err(RegistryError::invalid("keys in etcd need a prefix"));
        }
        if !self.prefix.ends_with('/') {
            self.prefix.push('/');
        }
        Ok(self)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(urls: &[&str]) -> EtcdOptions {
        EtcdOptions::new(urls.iter().map(|url| url.parse().unwrap()).collect())
    }

    #[test]
    fn what_cannot_be_asked_is_no_endpoint() {
        for bad in [
            &[][..],
            &["redis://a:1"],
            &["http://u:secret@a"],
            &["http://a/?b=c"],
        ] {
            let refused = options(bad).checked().unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
        let checked = options(&["https://etcd.test:2379", "http://a/etcd"])
            .checked()
            .unwrap();
        let urls: Vec<_> = checked.endpoints.iter().map(Url::as_str).collect();
        assert_eq!(urls, ["https://etcd.test:2379/", "http://a/etcd/"]);
    }

    #[test]
    fn a_prefix_ends_where_a_service_begins() {
        let mut given = options(&["http://a"]);
        given.prefix = "/x".to_owned();
        assert_eq!(given.checked().unwrap().prefix, "/x/");
    }

    #[test]
    fn a_password_is_not_printed() {
        let mut given = options(&["http://a"]);
        given.credentials = Some(Credentials {
            user: "root".to_owned(),
            password: "secret".to_owned(),
        });
        let text = format!("{given:?}");
        assert!(text.contains("root") && !text.contains("secret"), "{text}");
    }
}
