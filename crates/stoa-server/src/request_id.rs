//! A name for each request.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids from outside are replaced rather than copied into every log line.
const MAX_LEN: usize = 128;

/// Gives out request ids: the client's own where it sent a reasonable one, else a new one.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// Different in each process.
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self {
            start: RandomState::new().hash_one(0_u8),
            next: AtomicU64::new(0),
        }
    }

    pub(crate) fn id(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(&REQUEST_ID) {
            Some(id) if id.len() <= MAX_LEN && is_plain(id.as_bytes()) => id.clone(),
            _ => self.fresh(),
        }
    }

    fn fresh(&self) -> HeaderValue {
        // An odd multiplier walks through all 64-bit numbers, so ids of one process never repeat.
        let n = self
            .next
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut id = [0; 16];
        for (i, digit) in id.iter_mut().enumerate() {
            let nibble = (self.start ^ n) >> (60 - 4 * i) & 0xf;
            *digit = b"0123456789abcdef"[usize::try_from(nibble).unwrap_or(0)];
        }
        HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

fn is_plain(id: &[u8]) -> bool {
    !id.is_empty() && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reasonable_id_is_echoed_and_another_replaced() {
        let ids = RequestIds::new();
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("build-7"));
        assert_eq!(ids.id(&headers), "build-7");
        headers.insert(
            REQUEST_ID,
            HeaderValue::from_str(&"x".repeat(129)).expect("value"),
        );
        let (first, second) = (ids.id(&headers), ids.id(&headers));
        assert_eq!(first.len(), 16);
        assert_ne!(first, second);
    }
}
