//! Which hosts a page or redirect may lead to.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

use super::kind::default_port;

/// A URL leads to a host that is not public.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is not a public host (allow_private_addresses is off)")]
pub struct NotPublic {
    host: String,
}

/// Tells URLs that lead to hosts of the public internet from those that lead into somebody's own network.
///
/// Module paths, go-import tags and redirects are written by strangers, so what they name must not be asked for from
/// inside: neighbours, metadata services of clouds, this very machine. Looked at are literal addresses, in all the
/// spellings that a resolver takes, and names of this machine. What other names resolve to has to be looked at where
/// they are resolved, with [`is_public`].
#[derive(Clone, Debug, Default)]
pub struct UrlGuard {
    allow_private: bool,
    /// Hosts and ports that the configuration names itself.
    named: HashSet<(String, Option<u16>)>,
}

impl UrlGuard {
    /// A guard that lets everything pass, or public hosts only.
    pub fn new(allow_private: bool) -> Self {
        Self {
            allow_private,
            named: HashSet::new(),
        }
    }

    /// Lets URLs of this URL's host and port pass, too, whatever their scheme and path: the configuration names it.
    pub fn name(&mut self, url: &Url) {
        self.named.insert(authority(url));
    }

    /// Whether the URL may be asked for.
    pub fn check(&self, url: &Url) -> Result<(), NotPublic> {
        if self.allow_private || self.named.contains(&authority(url)) || leads_out(url) {
            return Ok(());
        }
        Err(NotPublic {
            host: url.host_str().unwrap_or_default().to_owned(),
        })
    }
}

/// The host and port as far as the guard compares them.
fn authority(url: &Url) -> (String, Option<u16>) {
    let host = match host(url) {
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
        Some(address) => address.to_string(),
        None => String::new(),
    };
    (host, url.port().or_else(|| default_port(url.scheme())))
}

/// The host as a resolver reads it. URLs of ssh and the like keep theirs as it is written, so it is read once more.
fn host(url: &Url) -> Option<Host> {
    let url = Url::parse(&format!("http://{}/", url.host_str()?)).ok()?;
    url.host().map(|host| host.to_owned())
}

fn leads_out(url: &Url) -> bool {
    match host(url) {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => !is_own_name(name.trim_end_matches('.')),
        None => false,
    }
}

/// Names of this machine or of a metadata service, in lower case.
fn is_own_name(name: &str) -> bool {
    let ends_in = |suffix: &str| {
        name.strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let local = [
        "localhost",
        "localdomain",
        "localhost4",
        "localhost6",
        "ip6-localhost",
        "ip6-loopback",
    ];
    name.is_empty()
        || local.into_iter().any(ends_in)
        || ends_in("metadata.google.internal")
        || ends_in("metadata.goog")
}

/// Whether an address belongs to a host of the public internet.
///
/// Not public are: this host, loopback, private and shared ranges, link-local (with the metadata addresses of most
/// clouds), multicast, broadcast, reserved, documentation and benchmark ranges, tunnels that hide an IPv4 address
/// (6to4, Teredo), and the metadata addresses that lie in none of them. An IPv4 address inside of an IPv6 address
/// (mapped, or NAT64 with the well-known prefix) is judged by itself.
///
/// ```
/// use stoa_fetch::discovery::is_public;
/// assert!(is_public("1.1.1.1".parse()?));
/// assert!(!is_public("::ffff:169.254.169.254".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [168, 63, 129, 16] // Azure's own services
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // IETF protocol assignments with Teredo, documentation, 6to4.
        [0x2001, ..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, ..=0xfff, ..] => false,
        [first, ..] => matches!(first, 0x2000..=0x3fff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_at_the_edges_of_their_ranges() {
        for (inside, outside) in [
            ("0.0.0.0 0.255.255.255", "1.0.0.0"),
            ("10.0.0.0 10.255.255.255", "9.255.255.255 11.0.0.0"),
            (
                "100.64.0.0 100.127.255.255 100.100.100.200",
                "100.63.255.255 100.128.0.0",
            ),
            ("127.0.0.1 127.255.255.255", "126.255.255.255 128.0.0.0"),
            (
                "169.254.0.0 169.254.169.254 169.254.255.255",
                "169.253.255.255 169.255.0.0",
            ),
            ("172.16.0.0 172.31.255.255", "172.15.255.255 172.32.0.0"),
            ("192.0.0.192 192.0.2.1", "192.0.1.0 192.0.3.0"),
            ("192.88.99.1", "192.88.98.1 192.88.100.1"),
            ("192.168.0.0 192.168.255.255", "192.167.255.255 192.169.0.0"),
            (
                "198.18.0.0 198.19.255.255 198.51.100.7",
                "198.17.255.255 198.20.0.0 198.51.101.0",
            ),
            (
                "203.0.113.9 168.63.129.16",
                "203.0.112.9 203.0.114.9 168.63.129.15",
            ),
            (
                "224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255",
                "223.255.255.255",
            ),
            (":: ::1 ::2 ::127.0.0.1", "2606:4700::1111"),
            (
                "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe",
                "::ffff:1.1.1.1",
            ),
            (
                "64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1.1.1.1",
                "64:ff9b::1.1.1.1",
            ),
            ("fc00::1 fd00:ec2::254 fdff::1", "2a00::1"),
            ("fe80::1 febf::1 fec0::1 ff02::1", "2001:200::1"),
            (
                "2001::1 2001:1ff::1 2001:db8::1 2002:7f00:1::1",
                "2001:db9::1 2003::1",
            ),
            (
                "3fff::1 3fff:fff::1 4000::1 5f00::1 100::1",
                "3fff:1000::1 2000::1",
            ),
        ] {
            for address in inside.split(' ') {
                assert!(!is_public(address.parse().expect(address)), "{address}");
            }
            for address in outside.split(' ') {
                assert!(is_public(address.parse().expect(address)), "{address}");
            }
        }
    }

    #[test]
    fn every_spelling_of_a_private_host_is_refused() {
        let guard = UrlGuard::default();
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://%31%32%37.0.0.1/",
            "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "http://localhost.localdomain/",
            "http://metadata.google.internal/",
            "http://metadata.goog/",
            "http://user:pass@169.254.169.254/",
            "ssh://0x7f000001/a",
            "ssh://git@2130706433/a",
            "git://%31%32%37.0.0.1/a",
            "svn+ssh://LocalHost/a",
            "git://[::ffff:10.0.0.1]/a",
            "ssh://[fe80::1]/a",
            "ssh:///a",
            "mailto:a@b",
        ] {
            let url = Url::parse(url).expect(url);
            assert!(guard.check(&url).is_err(), "{url}");
            assert!(UrlGuard::new(true).check(&url).is_ok(), "{url}");
        }
        for url in [
            "https://github.com/a/b",
            "ssh://git@1.1.1.1/a",
            "https://[2606:4700::1111]/",
            "https://notlocalhost.example/",
            "https://localhost.example.com/",
        ] {
            let url = Url::parse(url).expect(url);
            assert_eq!(guard.check(&url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_host_that_the_configuration_names_passes_at_its_port_only() {
        let url = |text: &str| Url::parse(text).expect("url");
        let mut guard = UrlGuard::default();
        guard.name(&url("https://10.0.0.5/git/"));
        guard.name(&url("ssh://git@localhost/"));
        for passes in [
            "https://10.0.0.5/x",
            "https://0xa000005:443/",
            "ssh://LOCALHOST.:22/",
        ] {
            assert_eq!(guard.check(&url(passes)), Ok(()), "{passes}");
        }
        for refused in [
            "http://10.0.0.5/",
            "https://10.0.0.5:8443/",
            "https://10.0.0.6/",
            "http://localhost/",
        ] {
            assert!(guard.check(&url(refused)).is_err(), "{refused}");
        }
    }
}
