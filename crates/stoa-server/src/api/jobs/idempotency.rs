//! Keys by which the same submission is known again.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use sha2::{Digest as _, Sha256};
use stoa_jobs::{Job, JobId, NewJob};

/// The longest key, in bytes.
const LONGEST: usize = 255;

/// What a client sends so that a submission whose answer it never got can be sent again.
///
/// The id of the job is made of the key, so that the store itself keeps two jobs of one key from being taken, also at the same
/// moment and on several servers. Such a job joins none that does the same, and none joins it: its key would be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdempotencyKey(String);

/// What is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an Idempotency-Key has 1 to {LONGEST} characters of ASCII and no control characters")]
pub(super) struct KeyError;

impl IdempotencyKey {
    pub(super) const HEADER: &'static str = "idempotency-key";

    /// The key of a header.
    pub(super) fn of(value: &HeaderValue) -> Result<Self, KeyError> {
        let text = value.to_str().map_err(|_| KeyError)?.trim();
        if text.is_empty() || text.len() > LONGEST {
            return Err(KeyError);
        }
        Ok(Self(text.to_owned()))
    }

    /// Makes the job one of this key, which `body` asks for.
    pub(super) fn mark(&self, job: &mut NewJob, body: &[u8]) {
        job.id = self.id();
        job.fingerprint = None;
        job.submitter.digest = Some(digest(body).into());
    }

    /// Whether it was `body` that asked for the job.
    pub(super) fn has_asked(job: &Job, body: &[u8]) -> bool {
        let first = job.submitters.first();
        first.and_then(|submitter| submitter.digest.as_deref()) == Some(digest(body).as_str())
    }

    /// The id of its job.
    fn id(&self) -> Option<JobId> {
        // One in 64 of all hashes begins with a dash, which no id does.
        (0..=u8::MAX).find_map(|count| {
            let hash = Sha256::digest(format!("idempotency key {count}\n{}", self.0));
            JobId::of_bytes(*hash.first_chunk()?)
        })
    }
}

fn digest(body: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(body) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<IdempotencyKey, KeyError> {
        IdempotencyKey::of(&HeaderValue::from_str(text).expect("a header"))
    }

    #[test]
    fn every_key_has_an_id_of_its_own() {
        let ids: std::collections::BTreeSet<_> = (0..1_000)
            .map(|number| key(&format!("key {number}")).expect("a key").id().expect("an id"))
            .collect();
        assert_eq!(ids.len(), 1_000);
        assert_eq!(key("a").expect("a key").id(), key(" a ").expect("a key").id());
    }

    #[test]
    fn a_key_is_bounded() {
        assert!(key(&"a".repeat(255)).is_ok());
        assert_eq!(key(&"a".repeat(256)), Err(KeyError));
        assert_eq!(key(" "), Err(KeyError));
        let not_ascii = HeaderValue::from_bytes(b"\xff").expect("a header");
        assert_eq!(IdempotencyKey::of(&not_ascii), Err(KeyError));
    }
}
