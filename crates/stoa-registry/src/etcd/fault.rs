//! What it means that etcd did not do what it was asked for.

use std::fmt;

use super::wire::ErrorResponse;

/// The most characters of what etcd says that are repeated.
const MOST_CHARACTERS: usize = 200;

/// Codes of gRPC, which the gateway tells.
mod code {
    pub(super) const INVALID_ARGUMENT: i64 = 3;
    pub(super) const NOT_FOUND: i64 = 5;
    pub(super) const PERMISSION_DENIED: i64 = 7;
    pub(super) const FAILED_PRECONDITION: i64 = 9;
    pub(super) const OUT_OF_RANGE: i64 = 11;
    pub(super) const UNAUTHENTICATED: i64 = 16;
}

/// What it means that etcd did not do what it was asked for, with what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This member is away, silent or in trouble. Another one may do it.
    Away(String),
    /// The token is not, or no longer, good. A new one may be.
    Token(String),
    /// The user may not do that, or is not known.
    Refused(String),
    /// There is no such thing, as a lease.
    Missing(String),
    /// The revision is forgotten.
    Compacted(String),
    /// The revision is not reached.
    Future(String),
    /// etcd has no users that it would ask for a password.
    NoUsers(String),
    /// An answer is larger than what is taken.
    Large(String),
}

impl Fault {
    /// What an answer with this status means.
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
        let error: ErrorResponse = serde_json::from_slice(body).unwrap_or_default();
        if error.message.is_empty() {
            let text = format!("it answered with status {status}");
            return if matches!(status, 401 | 403) {
                Self::Refused(text)
            } else {
                Self::Away(text)
            };
        }
        Self::told(&error)
    }

    /// What an error of etcd means.
    pub(super) fn told(error: &ErrorResponse) -> Self {
        let text = plain(&error.message);
        let says = |what: &str| text.contains(what);
        match error.code {
            code::UNAUTHENTICATED => Self::Token(text),
            // With no token, or with one from before the users were changed.
            code::INVALID_ARGUMENT if says("user name is empty") || says("revision in header is old") => {
                Self::Token(text)
            }
            code::INVALID_ARGUMENT if says("authentication failed") => Self::Refused(text),
            code::PERMISSION_DENIED => Self::Refused(text),
            code::FAILED_PRECONDITION if says("authentication is not enabled") => Self::NoUsers(text),
            code::FAILED_PRECONDITION if says("authentication") => Self::Refused(text),
            code::NOT_FOUND => Self::Missing(text),
            code::OUT_OF_RANGE if says("compacted") => Self::Compacted(text),
            code::OUT_OF_RANGE if says("future revision") => Self::Future(text),
            _ => Self::Away(text),
        }
    }

    /// What it means that etcd cancels a watch with these words, which is how a watch that is not allowed is told.
    pub(super) fn canceled(reason: &str) -> Self {
        let text = plain(reason);
        let of_tokens = [
            "user name is empty",
            "auth token",
            "revision in header is old",
            // Some versions say so of a token that is not good any more, too.
            "permission denied",
        ];
        if of_tokens.iter().any(|words| text.contains(words)) {
            return Self::Token(text);
        }
        Self::Away(format!("it has canceled the watch: {text}"))
    }

    /// Whether another member may do it.
    pub(super) fn is_of_the_member(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(text)
        | Self::Token(text)
        | Self::Refused(text)
        | Self::Missing(text)
        | Self::Compacted(text)
        | Self::Future(text)
        | Self::NoUsers(text)
        | Self::Large(text)) = self;
        f.write_str(text)
    }
}

/// The text without what could draw on a terminal, and not more of it than people read.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(MOST_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_etcd_says_is_told_apart() {
        let of = |code: i64, message: &str| {
            Fault::of(
                500,
                serde_json::json!({"error": message, "message": message, "code": code})
                    .to_string()
                    .as_bytes(),
            )
        };
        let lost = "etcdserver: requested lease not found";
        assert_eq!(of(5, lost), Fault::Missing(lost.to_owned()));
        assert!(matches!(
            of(16, "etcdserver: invalid auth token"),
            Fault::Token(_)
        ));
        assert!(matches!(of(3, "etcdserver: user name is empty"), Fault::Token(_)));
        assert!(matches!(
            of(
                3,
                "etcdserver: authentication failed, invalid user ID or password"
            ),
            Fault::Refused(_)
        ));
        assert!(matches!(
            of(7, "etcdserver: permission denied"),
            Fault::Refused(_)
        ));
        assert!(matches!(
            of(11, "etcdserver: mvcc: required revision has been compacted"),
            Fault::Compacted(_)
        ));
        assert!(of(14, "etcdserver: no leader").is_of_the_member());
    }

    #[test]
    fn what_is_no_error_of_etcd_is_a_member_in_trouble() {
        for body in ["", "<html>", "[]", "{}", "{\"code\": 16}"] {
            assert_eq!(
                Fault::of(502, body.as_bytes()),
                Fault::Away("it answered with status 502".to_owned())
            );
        }
        assert!(matches!(Fault::of(401, b""), Fault::Refused(_)));
    }

    #[test]
    fn what_it_says_does_not_draw_on_a_terminal() {
        assert_eq!(plain("a\x1b[2J\n"), "a [2J ");
        assert_eq!(plain(&"x".repeat(1_000)).len(), 200);
    }
}
