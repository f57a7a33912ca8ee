//! The secret that the senders of webhooks know.

use std::{
    fmt, fs,
    io::{self, Read},
    path::Path,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The fewest bytes of a secret: what can be guessed is none.
const SHORTEST: usize = 16;
/// How much of a file is read.
const MAX_FILE: u64 = 4096;

/// What a host signs its webhooks with, or sends along. Nothing prints it.
#[derive(Clone)]
pub struct WebhookSecret(Hmac<Sha256>);

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSecretError {
    /// The file cannot be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// Too short, or too long for a secret.
    #[error("a secret for webhooks has {SHORTEST} to {MAX_FILE} bytes, this one has {0}")]
    Length(usize),
}

impl WebhookSecret {
    /// That in a file; space and line breaks around it do not count.
    ///
    /// # Errors
    /// When the file cannot be read, or its secret can be guessed.
    pub fn read(path: &Path) -> Result<Self, WebhookSecretError> {
        let mut text = Vec::new();
        fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
        Self::new(text.trim_ascii())
    }

    /// These bytes.
    ///
    /// # Errors
    /// When they can be guessed.
    pub fn new(secret: &[u8]) -> Result<Self, WebhookSecretError> {
        let len = secret.len();
        let bad = || WebhookSecretError::Length(len);
        if len < SHORTEST || len as u64 > MAX_FILE {
            return Err(bad());
        }
        Hmac::new_from_slice(secret).map(Self).map_err(|_| bad())
    }

    /// Whether this is the signature of the body, in hexadecimal. Takes as long for every wrong one.
    pub(crate) fn has_signed(&self, body: &[u8], signature: &str) -> bool {
        let Some(signature) = unhex(signature) else {
            return false;
        };
        let mut mac = self.0.clone();
        mac.update(body);
        mac.verify_slice(&signature).is_ok()
    }

    /// Whether this is the secret itself: its signature of nothing is compared, so that time tells nothing of it.
    pub(crate) fn is(&self, token: &[u8]) -> bool {
        let Ok(other) = Hmac::<Sha256>::new_from_slice(token) else {
            return false;
        };
        let other = other.finalize().into_bytes();
        self.0.clone().verify_slice(&other).is_ok()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation of webhooks.
    #[test]
    fn a_signature_is_that_of_the_body() {
        let secret = WebhookSecret::new(b"It's a Secret to Everybody").expect("long enough");
        let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(secret.has_signed(b"Hello, World!", signature));
        assert!(secret.has_signed(b"Hello, World!", &signature.to_uppercase()));
        for (body, signature) in [
            (&b"Hello, World"[..], signature),
            (b"Hello, World!", &signature[..62]),
            (b"Hello, World!", ""),
            (b"Hello, World!", "7"),
            (b"Hello, World!", "zz"),
        ] {
            assert!(!secret.has_signed(body, signature), "{signature}");
        }
    }

    #[test]
    fn a_secret_is_itself_and_not_to_be_guessed() {
        let secret = WebhookSecret::new(b"sixteen bytes, ok").expect("long enough");
        assert!(secret.is(b"sixteen bytes, ok"));
        assert!(!secret.is(b"sixteen bytes, o") && !secret.is(b""));
        assert!(WebhookSecret::new(b"short").is_err());
        assert_eq!(format!("{secret:?}"), "WebhookSecret");
    }
}
