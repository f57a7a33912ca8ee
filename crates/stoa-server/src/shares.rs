//! A share of the connections for each client.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;

use crate::{
    network::{Network, first_bits},
    peer::Peer,
};

/// One site gets a whole range of IPv6 addresses; this much of them is one client.
const IPV6_SITE: u8 = 64;

/// Counts the connections of each client address, so that no stranger has all of them.
#[derive(Debug)]
pub(crate) struct Shares {
    most: usize,
    /// Those who bring many clients.
    trusted: Vec<Network>,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// The place of one connection.
#[derive(Debug)]
pub(crate) struct Place {
    of: Option<(Arc<Shares>, IpAddr)>,
}

impl Shares {
    /// At most so many connections of one address; those of `trusted` networks and of unix sockets are not counted.
    pub(crate) fn new(most: usize, trusted: Vec<Network>) -> Self {
        Self {
            most,
            trusted,
            open: Mutex::default(),
        }
    }

    /// The place of a connection from `peer`; `None` if its address has its share already.
    pub(crate) fn place(self: &Arc<Self>, peer: Peer) -> Option<Place> {
        let Peer::Tcp(address) = peer else {
            return Some(Place { of: None });
        };
        let address = address.ip().to_canonical();
        if self.trusted.iter().any(|network| network.contains(address)) {
            return Some(Place { of: None });
        }
        let client = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(_) => first_bits(address, IPV6_SITE)?,
        };
        let mut open = self.open.lock();
        let count = open.entry(client).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            of: Some((Arc::clone(self), client)),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((shares, client)) = &self.of else { return };
        let mut open = shares.open.lock();
        if let Some(count) = open.get_mut(client) {
            *count -= 1;
            if *count == 0 {
                open.remove(client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> Peer {
        Peer::Tcp(address.parse().expect("address"))
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let trusted = vec!["10.0.0.0/8".parse().expect("network")];
        let shares = Arc::new(Shares::new(2, trusted));
        let first = shares.place(tcp("192.0.2.1:1")).expect("a place");
        let _second = shares.place(tcp("[::ffff:192.0.2.1]:2")).expect("a place");
        assert!(shares.place(tcp("192.0.2.1:3")).is_none());
        assert!(shares.place(tcp("192.0.2.2:3")).is_some(), "another address");
        drop(first);
        assert!(shares.place(tcp("192.0.2.1:4")).is_some());
        let many: Vec<_> = (0..9)
            .map(|_| shares.place(tcp("10.1.2.3:1")).expect("trusted"))
            .collect();
        assert_eq!(many.len(), 9);
        assert!((0..9).all(|_| shares.place(Peer::Unix).is_some()));
    }

    #[test]
    fn an_ipv6_site_is_one_client_and_nothing_is_kept_of_who_has_left() {
        let shares = Arc::new(Shares::new(1, Vec::new()));
        let place = shares.place(tcp("[2001:db8:0:1::1]:1")).expect("a place");
        assert!(shares.place(tcp("[2001:db8:0:1:ffff::2]:1")).is_none());
        assert!(shares.place(tcp("[2001:db8:0:2::1]:1")).is_some());
        drop(place);
        assert!(shares.open.lock().is_empty());
    }
}
