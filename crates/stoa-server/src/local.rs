//! Which requests are from programs on this machine.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, Uri,
    header::{FORWARDED, HOST, HeaderValue, ORIGIN, VIA},
    uri::Authority,
};

use crate::peer::Peer;

/// Why a request does not come from a program on this machine; `None` if it does.
///
/// The address alone says little: behind a proxy on this machine everybody has a loopback address, and the browser of
/// somebody on this machine sends what any web page tells it to.
pub(crate) fn not_local(peer: Option<Peer>, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    if !peer.is_some_and(is_loopback) {
        return Some("the connection is from another machine");
    }
    if headers.keys().any(says_forwarded) {
        return Some("a header says that the request was forwarded");
    }
    let of_page = |site: &HeaderValue| site != "same-origin" && site != "none";
    if headers.contains_key(ORIGIN) || headers.get_all(SEC_FETCH_SITE).iter().any(of_page) {
        return Some("a header says that a web page has sent the request");
    }
    if !names_this_machine(peer, uri, headers) {
        return Some("the host asked for is neither localhost nor a loopback address");
    }
    None
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

fn is_loopback(peer: Peer) -> bool {
    match peer {
        Peer::Tcp(address) => address.ip().to_canonical().is_loopback(),
        Peer::Unix => true,
    }
}

fn says_forwarded(name: &HeaderName) -> bool {
    *name == FORWARDED || *name == VIA || name == "x-real-ip" || name.as_str().starts_with("x-forwarded-")
}

/// Whether the request asks for this machine by a name that only this machine has. A page whose own name was made to
/// point here (DNS rebinding) asks for that name.
///
/// A unix socket has no name; its clients send `localhost` or an empty `Host`.
fn names_this_machine(peer: Option<Peer>, uri: &Uri, headers: &HeaderMap) -> bool {
    let asked = uri.authority().map(Authority::as_str);
    let mut hosts = headers.get_all(HOST).iter().map(|host| host.to_str().ok());
    let no_name = peer == Some(Peer::Unix);
    match asked {
        None if !headers.contains_key(HOST) => no_name,
        Some(asked) if !is_local_host(asked) => false,
        _ => hosts.all(|host| host.is_some_and(|host| is_local_host(host) || (no_name && host.is_empty()))),
    }
}

/// `localhost` or a loopback address, with or without a port.
fn is_local_host(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    let address = bare.parse::<IpAddr>();
    !host.contains('@')
        && (name.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> Peer {
        Peer::Tcp(address.parse().expect("address"))
    }

    fn is_local(peer: impl Into<Option<Peer>>, uri: &str, list: &[(&str, &str)]) -> bool {
        not_local(peer.into(), &uri.parse().expect("uri"), &headers(list)).is_none()
    }

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&str, &str)| {
            let name = name.parse::<HeaderName>().expect("name");
            (name, HeaderValue::from_bytes(value.as_bytes()).expect("value"))
        };
        list.iter().map(header).collect()
    }

    #[test]
    fn without_a_token_loopback_addresses_and_the_unix_socket_are_let_in() {
        let host = [("Host", "localhost:3000")];
        for (peer, want) in [
            (tcp("127.0.0.1:50000"), true),
            (tcp("127.8.9.10:50000"), true),
            (tcp("[::1]:50000"), true),
            (tcp("[::ffff:127.0.0.1]:50000"), true),
            (Peer::Unix, true),
            (tcp("10.0.0.1:50000"), false),
            (tcp("128.0.0.1:50000"), false),
            (tcp("0.0.0.0:50000"), false),
            (tcp("[::ffff:10.0.0.1]:50000"), false),
            (tcp("[::7f00:1]:50000"), false),
            (tcp("[fe80::1]:50000"), false),
        ] {
            assert_eq!(is_local(peer, "/version", &host), want, "{peer:?}");
        }
        assert!(!is_local(None, "/version", &host), "a peer that nobody knows");
    }

    #[test]
    fn what_was_forwarded_or_sent_by_a_page_is_not_local() {
        for (name, value, want) in [
            ("Forwarded", "for=127.0.0.1", false),
            ("X-Forwarded-For", "127.0.0.1", false),
            ("x-forwarded-host", "localhost", false),
            ("X-Forwarded-Proto", "http", false),
            ("X-Forwarded-Port", "80", false),
            ("X-Real-IP", "127.0.0.1", false),
            ("Via", "1.1 proxy", false),
            ("Forwarded", "", false),
            ("Origin", "http://localhost:3000", false),
            ("Origin", "null", false),
            ("Sec-Fetch-Site", "cross-site", false),
            ("Sec-Fetch-Site", "same-site", false),
            ("Sec-Fetch-Site", "", false),
            ("Sec-Fetch-Site", "same-origin", true),
            ("Sec-Fetch-Site", "none", true),
            ("User-Agent", "curl/8", true),
        ] {
            for peer in [tcp("127.0.0.1:1"), Peer::Unix] {
                let list = [("Host", "localhost"), (name, value)];
                assert_eq!(is_local(peer, "/version", &list), want, "{name}: {value}");
            }
        }
        let twice = [
            ("Host", "localhost"),
            ("Sec-Fetch-Site", "none"),
            ("Sec-Fetch-Site", "cross-site"),
        ];
        assert!(!is_local(tcp("127.0.0.1:1"), "/version", &twice));
    }

    #[test]
    fn the_host_asked_for_is_this_machine() {
        for (host, over_tcp, over_unix) in [
            ("localhost", true, true),
            ("LocalHost:3000", true, true),
            ("127.0.0.1:3000", true, true),
            ("127.1.2.3", true, true),
            ("[::1]:3000", true, true),
            ("[::ffff:127.0.0.1]", true, true),
            ("", false, true),
            ("evil.example", false, false),
            ("evil.example:3000", false, false),
            ("localhost.evil.example", false, false),
            ("evil.localhost", false, false),
            ("localhost.", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("127.0.0.1@evil.example", false, false),
            ("evil.example@127.0.0.1", false, false),
            ("127.1", false, false),
            ("2130706433", false, false),
            ("0x7f000001", false, false),
            ("0.0.0.0:3000", false, false),
            ("10.0.0.1", false, false),
            ("localhost/x", false, false),
            ("localhost, evil.example", false, false),
            ("[::1", false, false),
        ] {
            let list = [("Host", host)];
            for (peer, want) in [(tcp("127.0.0.1:1"), over_tcp), (Peer::Unix, over_unix)] {
                assert_eq!(is_local(peer, "/version", &list), want, "{host:?} {peer:?}");
            }
        }
        let local = tcp("127.0.0.1:1");
        let both = [("Host", "localhost"), ("Host", "evil.example")];
        assert!(!is_local(local, "/version", &both));
        assert!(!is_local(local, "/version", &[]));
        assert!(is_local(Peer::Unix, "/version", &[]));
        // HTTP/2, and the absolute form of HTTP/1.1.
        let (here, elsewhere) = ("http://localhost:3000/version", "http://evil.example/version");
        assert!(is_local(local, here, &[]));
        assert!(!is_local(local, here, &both[1..]));
        assert!(!is_local(local, elsewhere, &[]));
        assert!(!is_local(local, elsewhere, &both[..1]));
        assert!(!is_local(Peer::Unix, elsewhere, &[]));
    }
}
