//! Who may use the API.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header::AUTHORIZATION};

use crate::{AdminToken, guard::Guard, peer::Peer, problem::Problem};

/// Lets in whoever knows the admin token, from wherever, and nobody else: not even programs on this machine. An address
/// says little, because behind a proxy on this machine everybody has a loopback address, and the browser of somebody on
/// this machine sends what any web page tells it to.
#[derive(Clone, Debug)]
pub struct AdminGuard {
    token: AdminToken,
    /// The setting that names the token's file, for advice.
    setting: &'static str,
}

impl AdminGuard {
    /// The guard of this token. `setting` is the name of the setting that gives it, as users know it.
    pub fn new(token: AdminToken, setting: &'static str) -> Self {
        Self { token, setting }
    }
}

impl fmt::Display for AdminGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("admin token")
    }
}

impl Guard for AdminGuard {
    fn check(&self, _peer: Option<Peer>, _uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let setting = self.setting;
        let detail = match bearer(headers) {
            Some(presented) if self.token.is(presented) => return Ok(()),
            Some(_) => "this is not the admin token",
            None => "the admin token is missing",
        };
        let detail = format!(
            "{detail}; send \"Authorization: Bearer TOKEN\" with the token of the {setting}, or of the file that the \
             server names when it starts"
        );
        Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
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
    fn only_the_token_is_let_in() {
        let guard = AdminGuard::new(TOKEN.parse().expect("token"), "admin.token_file");
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
