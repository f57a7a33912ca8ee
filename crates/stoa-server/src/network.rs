//! Ranges of addresses.

use std::{fmt, net::IpAddr, str::FromStr};

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether it has this address. An IPv4 address that is written as an IPv6 one is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        first_bits(address.to_canonical(), self.bits) == Some(self.address)
    }
}

/// The address with all bits after the first ones cleared; `None` if it has fewer.
pub(crate) fn first_bits(address: IpAddr, bits: u8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let left = 32_u32.checked_sub(bits.into())?;
            let mask = u32::MAX.checked_shl(left).unwrap_or(0);
            Some(IpAddr::V4((address.to_bits() & mask).into()))
        }
        IpAddr::V6(address) => {
            let left = 128_u32.checked_sub(bits.into())?;
            let mask = u128::MAX.checked_shl(left).unwrap_or(0);
            Some(IpAddr::V6((address.to_bits() & mask).into()))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad =
            || format!("bad network {text:?}: write an address, or one with its bits, as in 10.0.0.0/8");
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| bad())?)),
        };
        let address = address.parse::<IpAddr>().map_err(|_| bad())?;
        let bits = bits.unwrap_or(if address.is_ipv4() { 32 } else { 128 });
        match first_bits(address, bits).ok_or_else(bad)? {
            first if first == address => Ok(Self { address, bits }),
            first => Err(format!("bad network {text:?}: it begins with {first}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("::1", "::1", "::2"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
        ] {
            let parsed: Network = network.parse().expect("network");
            assert!(parsed.contains(inside.parse().expect("address")), "{network}");
            assert!(!parsed.contains(outside.parse().expect("address")), "{network}");
        }
        for bad in [
            "",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "corp.example",
            "::/129",
            "10/8",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
