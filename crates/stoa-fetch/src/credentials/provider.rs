//! Providers whose tokens go with a user name.

use std::str::FromStr;

/// A provider of repositories that takes a token as the password of a user name of its own, over https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Bitbucket.
    Bitbucket,
}

impl Provider {
    /// The user name that goes with a token.
    pub fn user_of_tokens(self) -> &'static str {
        match self {
            Self::GitHub => "x-access-token",
            Self::GitLab => "oauth2",
            Self::Bitbucket => "x-token-auth",
        }
    }
}

/// There is no provider of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("provider {0:?} is none of github, gitlab, bitbucket")]
pub struct ProviderError(String);

impl FromStr for Provider {
    type Err = ProviderError;

    fn from_str(name: &str) -> Result<Self, ProviderError> {
        match name {
            "github" => Ok(Self::GitHub),
            "gitlab" => Ok(Self::GitLab),
            "bitbucket" => Ok(Self::Bitbucket),
            _ => Err(ProviderError(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_has_its_user() {
        let user = |name: &str| name.parse().map(Provider::user_of_tokens);
        assert_eq!(user("github"), Ok("x-access-token"));
        assert_eq!(user("gitlab"), Ok("oauth2"));
        assert_eq!(user("bitbucket"), Ok("x-token-auth"));
        let error = user("gitea").expect_err("unknown").to_string();
        assert_eq!(error, "provider \"gitea\" is none of github, gitlab, bitbucket");
    }
}
