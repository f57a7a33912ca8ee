//! Who may use the API.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header::AUTHORIZATION};

use crate::{AdminToken, local::not_local, peer::Peer, problem::Problem};

/// Lets in who may use the API.
#[derive(Clone, Debug)]
pub enum AdminGuard {
    /// Who knows the token, from wherever.
    Token(AdminToken),
    /// Programs on this machine that talk to this server directly.
    Local,
}

impl From<Option<AdminToken>> for AdminGuard {
    fn from(token: Option<AdminToken>) -> Self {
        token.map_or(Self::Local, Self::Token)
    }
}

impl AdminGuard {
    /// Whether a request is let in. A request of an unknown peer is not local.
    pub(crate) fn check(&self, peer: Option<Peer>, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let (status, detail) = match self {
            Self::Token(token) => match bearer(headers) {
                Some(presented) if token.is(presented) => return Ok(()),
                Some(_) => (StatusCode::UNAUTHORIZED, "this is not the admin token"),
                None => (StatusCode::UNAUTHORIZED, "the admin token is missing"),
            },
            Self::Local => match not_local(peer, uri, headers) {
                None => return Ok(()),
                Some(reason) => (StatusCode::FORBIDDEN, reason),
            },
        };
        let advice = match self {
            Self::Token(_) => "send \"Authorization: Bearer TOKEN\" with the token of the admin.token_file",
            Self::Local => {
                "without an admin token, only programs on this machine that connect directly are let in; set \
                 admin.token_file to let in others"
            }
        };
        Err(Problem::new(status, format!("{detail}; {advice}")))
    }
}

/// The token of the one `Authorization: Bearer TOKEN`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = only(headers, &AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| token.trim_ascii_start())
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "correct-horse-battery";

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&str, &str)| {
            let name = name.parse::<HeaderName>().expect("name");
            (name, HeaderValue::from_bytes(value.as_bytes()).expect("value"))
        };
        list.iter().map(header).collect()
    }

    fn tcp(address: &str) -> Peer {
        Peer::Tcp(address.parse().expect("address"))
    }

    fn status(guard: &AdminGuard, peer: impl Into<Option<Peer>>, uri: &str, list: &[(&str, &str)]) -> u16 {
        let checked = guard.check(peer.into(), &uri.parse().expect("uri"), &headers(list));
        checked.map_or_else(|problem| problem.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_the_token_is_let_in_when_there_is_one() {
        let guard = AdminGuard::from(Some(TOKEN.parse::<AdminToken>().expect("token")));
        for (value, want) in [
            ("Bearer correct-horse-battery", 200),
            ("bearer   correct-horse-battery", 200),
            ("Bearer correct-horse-batterz", 401),
            ("Bearer correct-horse-batter", 401),
            ("Bearer correct-horse-battery2", 401),
            ("Bearer CORRECT-HORSE-BATTERY", 401),
            ("Bearer correct-horse-battery, x", 401),
            ("Bearer ", 401),
            ("Bearer", 401),
            ("Bearercorrect-horse-battery", 401),
            ("Basic correct-horse-battery", 401),
            ("correct-horse-battery", 401),
            ("", 401),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", 401),
        ] {
            for peer in [tcp("127.0.0.1:1"), tcp("203.0.113.9:1"), Peer::Unix] {
                let header = ("Authorization", value);
                assert_eq!(
                    status(&guard, peer, "/version", &[header]),
                    want,
                    "{value} {peer:?}"
                );
                let proxied = [
                    header,
                    ("X-Forwarded-For", "203.0.113.9"),
                    ("Host", "stoa.example"),
                ];
                assert_eq!(
                    status(&guard, peer, "/version", &proxied),
                    want,
                    "{value} {peer:?}"
                );
            }
        }
        let right = ("Authorization", "Bearer correct-horse-battery");
        let twice = [right, ("Authorization", "Bearer another-horse-battery")];
        assert_eq!(status(&guard, Peer::Unix, "/version", &twice), 401);
        assert_eq!(
            status(&guard, tcp("127.0.0.1:1"), "/version", &[("Host", "localhost")]),
            401
        );
    }
}
