//! Message authentication codes over parts that cannot run into one another.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::hex::Hex;

/// A key of HMAC-SHA256, as the state that it gives: the bytes that it was made of are not kept. It is never shown.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// The key of these bytes.
    pub(crate) fn new(key: &[u8]) -> Self {
        let Ok(state) = Hmac::new_from_slice(key) else {
            unreachable!("HMAC takes keys of any length")
        };
        Self(state)
    }

    /// Begins a message. What has one label never passes for what has another.
    pub(crate) fn begin(&self, label: &'static str) -> Message {
        Message(self.0.clone()).part(label.as_bytes())
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey")
    }
}

/// A message of numbers and parts. Every part is preceded by its length, so that no two lists of parts are the same bytes.
pub(crate) struct Message(Hmac<Sha256>);

impl Message {
    /// Adds bytes of any number.
    pub(crate) fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a number.
    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.update(&number.to_be_bytes());
        self
    }

    /// The code of the message.
    pub(crate) fn code(self) -> Code {
        Code(Hex(self.0.finalize().into_bytes().into()))
    }
}

/// The code of a message. It is compared in constant time only, so it has no `==`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Code(Hex<32>);

impl Code {
    /// The code that these digits write.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        Hex::parse(text).map(Self)
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0.0
    }

    /// The first 16 bytes: 128 bits are as many as nobody guesses.
    pub(crate) fn short(&self) -> [u8; 16] {
        let mut short = [0; 16];
        short.copy_from_slice(&self.0.0[..16]);
        short
    }

    /// Whether it is the same code.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.0.ct_eq(&other.0.0).into()
    }

    /// Whether these are its first 16 bytes.
    pub(crate) fn is_short(&self, other: &[u8; 16]) -> bool {
        self.0.0[..16].ct_eq(other).into()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_one_another() {
        let key = MacKey::new(b"key");
        let whole = key.begin("label").part(b"ab").part(b"c").code();
        assert!(whole.is(&key.begin("label").part(b"ab").part(b"c").code()));
        assert!(!whole.is(&key.begin("label").part(b"a").part(b"bc").code()));
        assert!(!whole.is(&key.begin("other").part(b"ab").part(b"c").code()));
        assert!(!whole.is(&MacKey::new(b"kez").begin("label").part(b"ab").part(b"c").code()));
    }

    /// Case 2 of RFC 4231, without the lengths that `part` would add.
    #[test]
    fn it_is_hmac_sha256() {
        let mut message = Message(MacKey::new(b"Jefe").0);
        message.0.update(b"what do ya want for nothing?");
        assert_eq!(
            message.code().to_string(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
