//! What the nodes of one cluster share.

use std::fmt;

use thiserror::Error;

use crate::mac::MacKey;

/// The fewest bytes of a secret.
const SHORTEST: usize = 16;

/// The most bytes of a secret. Whoever gives more has named another file.
const LONGEST: usize = 4096;

/// The most secrets that are accepted at a time: each costs every wrong hello a code.
const MOST: usize = 8;

/// Why bytes are no secret. It never shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// They are too few.
    #[error("the secret has {0} bytes; it must have at least {SHORTEST}")]
    Short(usize),
    /// They are too many.
    #[error("the secret has {0} bytes; it must have at most {LONGEST}")]
    Long(usize),
    /// There is no secret at all.
    #[error("there is no secret")]
    None,
    /// There are too many secrets.
    #[error("there are {0} secrets; at most {MOST} are accepted at a time")]
    Many(usize),
}

/// One secret. What is kept is the key that its bytes give, and it is never shown.
///
/// Whoever listens to a hello can try secrets against it for as long as he likes, so it is to be random: for example what
/// `openssl rand -hex 32` prints.
#[derive(Clone)]
pub struct Secret(MacKey);

impl Secret {
    /// The secret that a file of these bytes holds: all of them but one line end at the end, which editors and `echo` add.
    pub fn parse(file: &[u8]) -> Result<Self, SecretError> {
        let line = file.strip_suffix(b"\n").unwrap_or(file);
        let secret = line
            .strip_suffix(b"\r")
            .filter(|_| line.len() < file.len())
            .unwrap_or(line);
        match secret.len() {
            0 => Err(SecretError::None),
            short if short < SHORTEST => Err(SecretError::Short(short)),
            long if long > LONGEST => Err(SecretError::Long(long)),
            _ => Ok(Self(MacKey::new(secret))),
        }
    }

    /// The key that it is.
    pub(crate) fn key(&self) -> &MacKey {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets of a node, at least one. The first signs, and all are accepted, so that a secret is changed without a moment in
/// which nodes do not understand one another: first every node gets the new one behind the old one, then the new one before
/// the old one, then the new one alone.
#[derive(Clone, Debug)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// These secrets, of which the first signs.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, SecretError> {
        match secrets.len() {
            0 => Err(SecretError::None),
            many if many > MOST => Err(SecretError::Many(many)),
            _ => Ok(Self(secrets)),
        }
    }

    /// The secrets that a text of these bytes holds, one a line; empty lines say nothing.
    pub fn parse_lines(file: &[u8]) -> Result<Self, SecretError> {
        let lines = file.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let secrets: Result<_, _> = lines.filter(|line| !line.is_empty()).map(Secret::parse).collect();
        Self::new(secrets?)
    }

    /// The one that signs.
    pub(crate) fn first(&self) -> &Secret {
        &self.0[0]
    }

    /// All that are accepted.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }
}

impl From<Secret> for Secrets {
    fn from(secret: Secret) -> Self {
        Self(vec![secret])
    }
}
