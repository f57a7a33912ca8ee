//! Which credential is presented at a URL.

use async_trait::async_trait;
use stoa_vcs::{Credential, Credentials};
use url::Url;

use super::{netrc::Netrc, url_prefix::UrlPrefix};

/// The credential of a URL: that of the rule with the longest prefix, else that of the netrc file.
#[derive(Clone, Debug, Default)]
pub struct CredentialsByUrl {
    /// The rules, in any order.
    pub rules: Vec<CredentialRule>,
    /// What is presented where no rule fits.
    pub netrc: Netrc,
}

/// A credential and the URLs at which it is presented. Two rules are equal only if their secrets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRule {
    /// Where it is presented.
    pub prefix: UrlPrefix,
    /// What is presented.
    pub credential: Credential,
}

#[async_trait]
impl Credentials for CredentialsByUrl {
    async fn for_url(&self, url: &str) -> Option<Credential> {
        let url = Url::parse(url).ok()?;
        let fits = self.rules.iter().filter(|rule| rule.prefix.fits(&url));
        if let Some(best) = fits.max_by_key(|rule| rule.prefix.weight()) {
            return Some(best.credential.clone());
        }
        let (user, password) = self.netrc.find(&url)?;
        Some(Credential::Basic {
            user: user.to_owned(),
            password: password.expose().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefix: &str, credential: Credential) -> CredentialRule {
        let prefix = prefix.parse().expect(prefix);
        CredentialRule { prefix, credential }
    }

    fn credentials() -> CredentialsByUrl {
        let basic = |user: &str, password: &str| Credential::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        let bearer = Credential::Bearer {
            token: "t0ken".to_owned(),
        };
        let key = Credential::SshKey {
            key: "/k".into(),
            known_hosts: "/h".into(),
        };
        let agent = Credential::SshAgent {
            socket: "/run/agent".into(),
            known_hosts: "/h".into(),
        };
        CredentialsByUrl {
            rules: vec![
                rule("https://git.example/", basic("bot", "hunter2")),
                rule("https://Git.example:443/team", bearer),
                rule("https://git.example/hub/", basic("x-access-token", "t0ken")),
                rule("ssh://git.example", key),
                rule("ssh://bot@git.example", agent),
                rule("http://plain.example:8080", basic("", "t0ken")),
            ],
            netrc: Netrc::parse(
                "machine git.example login n password first-of-netrc\nmachine other.example login n password n2\n",
            ),
        }
    }

    /// What is presented at a URL, in one word or two.
    async fn presented(credentials: &CredentialsByUrl, url: &str) -> String {
        match credentials.for_url(url).await {
            None => "nothing".to_owned(),
            Some(Credential::Basic { user, password }) => format!("{user} {password}"),
            Some(Credential::Bearer { token }) => format!("bearer {token}"),
            Some(Credential::SshKey { key, known_hosts }) => {
                format!("{} {}", key.display(), known_hosts.display())
            }
            Some(Credential::SshAgent { socket, .. }) => format!("agent {}", socket.display()),
        }
    }

    #[tokio::test]
    async fn the_longest_prefix_has_the_credential_and_no_other_place_gets_it() {
        let credentials = credentials();
        for (url, want) in [
            ("https://git.example/a/b", "bot hunter2"),
            ("https://git.example", "bot hunter2"),
            ("https://GIT.example/x?go-get=1", "bot hunter2"),
            ("https://git.example/team/x", "bearer t0ken"),
            ("https://git.example/hub/x", "x-access-token t0ken"),
            ("https://git.example/teams/x", "bot hunter2"),
            ("https://git.example/team/../x", "bot hunter2"),
            ("https://git.example.evil/a", "nothing"),
            ("https://git.example@evil.example/a", "nothing"),
            ("https://git.example:8443/a", "nothing"),
            ("http://git.example/a", "nothing"),
            ("https://evil.example/https://git.example/", "nothing"),
            ("https://other.example/a", "n n2"),
            ("http://other.example/a", "nothing"),
            ("ssh://git@git.example/x", "/k /h"),
            ("ssh://git.example:22/x", "/k /h"),
            ("ssh://bot@git.example/x", "agent /run/agent"),
            ("ssh://git.example:2222/x", "nothing"),
            ("git+ssh://git.example/x", "nothing"),
            ("http://plain.example:8080/x", " t0ken"),
            ("http://plain.example/x", "nothing"),
        ] {
            assert_eq!(presented(&credentials, url).await, want, "{url}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let printed = format!("{:?}", credentials());
        for secret in ["hunter2", "t0ken", "first-of-netrc"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
