//! The names that a server answers for.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::{Arc, OnceLock},
};

use http::{Request, header::HOST};

/// The longest name that is remembered, with its port: longer ones are none of DNS.
const LONGEST: usize = 255 + ":65535".len();

/// What a client is told who asks for another name.
pub(crate) const OTHER_HOST: &str = "this server does not answer for the host name that was asked for: \
     ask for localhost, or let the operator add the name to allowed_hosts";

/// A name that is answered: `goproxy.corp.example`, `*.corp.example` for all below it, an address, or `*` for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// Every name.
    Any,
    /// One name or address.
    Is(String),
    /// All names that end so; with the dot.
    EndsWith(String),
}

/// The names that are answered on one listener.
///
/// With a list, addresses and loopback names are answered too: probes, balancers and this machine ask by them, and nobody can
/// make a page of his own have one for a name.
///
/// A web page whose own name was made to point to this machine (DNS rebinding) lets a browser ask for that name, and reads
/// the answers. Without a list, a listener that only this machine can reach answers for its loopback names alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AnsweredHosts {
    /// All.
    Any,
    /// Loopback names, and with a list its names and all addresses.
    These(Vec<HostPattern>),
}

/// The same for one connection, whose client asks for one name again and again: the first one that is answered is remembered
/// as it was sent, and not read anew for each hit.
#[derive(Clone, Debug)]
pub(crate) struct AskedHosts {
    answered: Arc<AnsweredHosts>,
    known: OnceLock<Box<[u8]>>,
}

impl AnsweredHosts {
    /// What the operator's list means on a listener: `is_loopback` if only this machine can reach it by TCP.
    pub(crate) fn new(list: Vec<HostPattern>, is_loopback: bool) -> Self {
        if list.contains(&HostPattern::Any) || (list.is_empty() && !is_loopback) {
            Self::Any
        } else {
            Self::These(list)
        }
    }

    fn answer(&self, host: &[u8]) -> bool {
        let Self::These(list) = self else { return true };
        let Some(name) = name_of(host) else { return false };
        name.is_empty()
            || is_loopback(name)
            || (!list.is_empty() && name.parse::<IpAddr>().is_ok())
            || list.iter().any(|pattern| pattern.matches(name))
    }
}

impl AskedHosts {
    pub(crate) fn new(answered: Arc<AnsweredHosts>) -> Self {
        Self {
            answered,
            known: OnceLock::new(),
        }
    }

    /// Whether a request is answered: each name in it must be. One without a name is of no browser.
    pub(crate) fn answer<B>(&self, request: &Request<B>) -> bool {
        if *self.answered == AnsweredHosts::Any {
            return true;
        }
        let is_ours = |host: &[u8]| {
            self.known.get().is_some_and(|known| **known == *host)
                || (self.answered.answer(host) && {
                    if host.len() <= LONGEST {
                        let _known_already = self.known.set(host.into());
                    }
                    true
                })
        };
        let asked = request.uri().authority();
        asked.is_none_or(|authority| is_ours(authority.as_str().as_bytes()))
            && request
                .headers()
                .get_all(HOST)
                .iter()
                .all(|host| is_ours(host.as_bytes()))
    }
}

impl HostPattern {
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Is(this) => name.eq_ignore_ascii_case(this),
            Self::EndsWith(end) => ends_with(name, end),
        }
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("bad host {text:?}: write a name or an address without a port, *.NAME, or *");
        let plain = |name: &str| {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
            !name.is_empty() && !name.starts_with('.') && !name.ends_with('.') && name.bytes().all(is_plain)
        };
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(name) = text.strip_prefix("*.") {
            return plain(name)
                .then(|| Self::EndsWith(format!(".{name}")))
                .ok_or_else(bad);
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse::<Ipv6Addr>() {
            return Ok(Self::Is(address.to_string()));
        }
        plain(text).then(|| Self::Is(text.to_owned())).ok_or_else(bad)
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Is(name) => f.write_str(name),
            Self::EndsWith(end) => write!(f, "*{end}"),
        }
    }
}

/// The name in `name`, `name:port`, `[address]` and `[address]:port`, without a last dot; `None` for anything else.
fn name_of(host: &[u8]) -> Option<&str> {
    let host = std::str::from_utf8(host).ok()?;
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = host.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        return (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(address);
    }
    let name = match host.rsplit_once(':') {
        None => host,
        Some((name, port)) if is_port(port) && !name.contains(':') => name,
        Some(_) => return None,
    };
    (!name.contains('@')).then(|| name.strip_suffix('.').unwrap_or(name))
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || ends_with(name, ".localhost")
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || name
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

fn ends_with(name: &str, end: &str) -> bool {
    let start = name.len().checked_sub(end.len());
    start.is_some_and(|start| start > 0 && name.as_bytes()[start..].eq_ignore_ascii_case(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(hosts: &AnsweredHosts, uri: &str, names: &[&str]) -> bool {
        let hosts = AskedHosts::new(Arc::new(hosts.clone()));
        hosts.answer(&request(uri, names))
    }

    fn request(uri: &str, names: &[&str]) -> Request<()> {
        let request = Request::get(uri);
        let request = names
            .iter()
            .fold(request, |request, name| request.header(HOST, *name));
        request.body(()).expect("request")
    }

    fn list(list: &[&str]) -> Vec<HostPattern> {
        list.iter().map(|text| text.parse().expect("pattern")).collect()
    }

    #[test]
    fn a_loopback_listener_answers_for_loopback_names_alone() {
        let hosts = AnsweredHosts::new(Vec::new(), true);
        for good in [
            "localhost",
            "LocalHost:3000",
            "localhost.",
            "a.localhost:1",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]",
            "[::1]:3000",
            "[::ffff:127.0.0.1]:1",
            "",
        ] {
            assert!(answered(&hosts, "/x", &[good]), "{good}");
        }
        for bad in [
            "rebind.attacker.example",
            "rebind.attacker.example:3000",
            "localhost.attacker.example",
            "127.0.0.1.attacker.example",
            "xlocalhost",
            "10.0.0.1",
            "128.0.0.1",
            "0.0.0.0",
            "[::2]",
            "::1",
            "127.1",
            "0x7f000001",
            "localhost@evil.example",
            "evil.example@localhost",
            "localhost:",
            "[::1",
            "localhost:a",
            "[::1]x",
            "\u{e9}",
        ] {
            let want = bad == "localhost:";
            assert_eq!(answered(&hosts, "/x", &[bad]), want, "{bad}");
        }
        assert!(
            answered(&hosts, "/x", &[]),
            "a request without a name is of no browser"
        );
        assert!(!answered(&hosts, "/x", &["localhost", "evil.example"]), "twice");
        assert!(
            !answered(&hosts, "http://evil.example/x", &["localhost"]),
            "absolute form"
        );
        assert!(
            !answered(&hosts, "http://localhost/x", &["evil.example"]),
            "absolute form"
        );
        assert!(answered(&hosts, "http://localhost:3000/x", &[]), "HTTP/2");
    }

    #[test]
    fn a_name_that_was_answered_makes_no_other_one_good() {
        let hosts = AskedHosts::new(Arc::new(AnsweredHosts::new(list(&["a.example"]), false)));
        for (name, want) in [
            ("a.example", true),
            ("b.example", false),
            ("a.example:80", true),
            ("a.exampl", false),
            ("a.examplex", false),
            ("a.example", true),
        ] {
            assert_eq!(hosts.answer(&request("/x", &[name])), want, "{name}");
        }
        assert!(!hosts.answer(&request("/x", &["a.example", "b.example"])));
        let long = format!("{}.a.example", "x".repeat(300));
        let hosts = AskedHosts::new(Arc::new(AnsweredHosts::new(list(&["*.a.example"]), false)));
        assert!(hosts.answer(&request("/x", &[&long])));
        assert!(hosts.known.get().is_none(), "a name of any length");
    }

    #[test]
    fn a_list_is_kept_to_on_every_listener() {
        let hosts = AnsweredHosts::new(
            list(&["Goproxy.corp.example", "*.go.example", "10.0.0.1", "fd00::1"]),
            false,
        );
        for good in [
            "goproxy.CORP.example:443",
            "a.go.example",
            "a.b.go.example",
            "10.0.0.1",
            "10.0.0.2:3000",
            "[fd00::1]:80",
            "[fd00::2]",
            "localhost:3000",
        ] {
            assert!(answered(&hosts, "/x", &[good]), "{good}");
        }
        for bad in [
            "go.example",
            ".go.example",
            "agoproxy.corp.example",
            "10.0.0",
            "0x0a000001",
            "10.0.0.1.evil.example",
        ] {
            assert!(!answered(&hosts, "/x", &[bad]), "{bad}");
        }
        let hosts = AnsweredHosts::new(list(&["goproxy.corp.example"]), true);
        assert!(answered(&hosts, "/x", &["goproxy.corp.example"]));
        assert!(
            answered(&hosts, "/x", &["localhost"]),
            "the machine itself is not locked out"
        );
        assert!(!answered(&hosts, "/x", &["evil.example"]));
    }

    #[test]
    fn other_listeners_and_a_star_answer_for_any_name() {
        assert_eq!(AnsweredHosts::new(Vec::new(), false), AnsweredHosts::Any);
        assert_eq!(
            AnsweredHosts::new(list(&["a.example", "*"]), true),
            AnsweredHosts::Any
        );
        for bad in [
            "",
            "a.example:80",
            "*.",
            "*a",
            "a*",
            "a b",
            "http://a",
            ".a",
            "a.",
            "[::1]:80",
        ] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad}");
        }
        for good in ["*", "a.example", "*.a.example", "fd00::1", "10.0.0.1"] {
            assert_eq!(
                good.parse::<HostPattern>().map(|p| p.to_string()),
                Ok(good.to_owned())
            );
        }
    }
}
