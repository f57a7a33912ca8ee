//! What of a request is signed.

use http::{HeaderMap, HeaderName, Method};
use sha2::{Digest as _, Sha256};

use crate::mac::{Code, MacKey};

/// What of a request is signed. Both sides make it, and nothing else of a request is to be believed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query as they are in the request line. A router that takes a prefix away has to be asked for the original.
    pub target: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The names of those headers that matter: all their values are signed in their order, and that there is none, too. The list
    /// is the same on both sides and a part of what they have agreed on; it is never taken from a request. The headers of
    /// [`names`](crate::names) do not belong into it.
    pub covered: &'a [HeaderName],
    /// The body, all of it. Who reads it bounds it.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The code of the request with this number.
    pub(crate) fn code(&self, key: &MacKey, sequence: u64) -> Code {
        let mut message = key
            .begin("stoa-peer request")
            .number(sequence)
            .part(self.method.as_str().as_bytes())
            .part(self.target.as_bytes())
            .number(self.covered.len() as u64);
        for name in self.covered {
            let values = self.headers.get_all(name);
            message = message
                .part(name.as_str().as_bytes())
                .number(values.iter().count() as u64);
            message = values
                .iter()
                .fold(message, |message, value| message.part(value.as_bytes()));
        }
        message.part(&Sha256::digest(self.body)).code()
    }
}
