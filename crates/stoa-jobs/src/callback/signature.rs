//! How a receiver knows that a callback is ours.

use std::{fmt, time::SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::hex::hex;

/// The secret that callbacks are signed with. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackSecret(Vec<u8>);

impl CallbackSecret {
    /// A secret of these bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    /// What tells a receiver now that a body is ours: the second, and the [signature](Self::sign).
    pub(super) fn sign_now(&self, body: &[u8]) -> (u64, String) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let second = since.unwrap_or_default().as_secs();
        (second, self.sign(second, body))
    }

    /// The signature of a body that is sent at this second: `sha256=` and the hexadecimal HMAC-SHA256 of `SECOND.BODY`. The
    /// receiver refuses old seconds, so that nobody can send a callback that he has seen once more.
    pub fn sign(&self, second: u64, body: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(format!("{second}.").as_bytes());
        mac.update(body);
        format!("sha256={}", hex(&mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for CallbackSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackSecret")
    }
}
