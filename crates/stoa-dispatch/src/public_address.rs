//! Which addresses belong to the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Marks a request that may go to addresses of the public internet only: put into the extensions of a request, it holds
/// for that request and its retries.
///
/// The addresses are checked where the name is resolved for the connection, so that no second answer of a name server
/// gets around it; and connections that other requests have made to the same server are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicOnly;

/// A name or address leads to where a request must not go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} leads to {address}, which is no public address")]
pub struct PrivateAddressError {
    /// What was asked for.
    pub host: String,
    /// Where it leads.
    pub address: IpAddr,
}

/// Whether an address belongs to a host of the public internet.
///
/// Not public are: this host, loopback, private and shared ranges, link-local (with the metadata addresses of most
/// clouds), multicast, broadcast, reserved, documentation and benchmark ranges, tunnels that hide an IPv4 address
/// (6to4, Teredo), and the metadata addresses that lie in none of them. An IPv4 address inside of an IPv6 address
/// (mapped, or NAT64 with the well-known prefix) is judged by itself.
///
/// ```
/// use stoa_dispatch::is_public;
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
}
