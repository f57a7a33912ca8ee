//! Taking notes apart, and making them.

use super::error::NoteError;
use super::signature::Signature;
use super::signed_note::SignedNote;
use super::signer::Signer;
use super::verifiers::Verifiers;

/// Longer notes are refused: heads of trees, which notes are for, have a few hundred bytes and at most a million.
pub const MAX_NOTE_BYTES: usize = 1_000_000;
/// A note with more signatures is refused, as in Go.
const MAX_SIGNATURES: usize = 100;

impl SignedNote {
    /// Takes a note and checks its signatures (`note.Open`).
    ///
    /// The note is a text, an empty line, and lines of signatures. Signatures of unknown keys are kept but prove
    /// nothing; a signature of a known key that is wrong makes the note wrong. Repeated signatures of a known key are
    /// ignored after the first, those of unknown keys if the whole line is the same.
    ///
    /// # Errors
    ///
    /// [`NoteError`], one for each reason.
    pub fn open(note: &[u8], known: &Verifiers) -> Result<Self, NoteError> {
        let (text, lines) = split(note)?;
        let mut opened = Self {
            text: text.into(),
            verified: Vec::new(),
            unverified: Vec::new(),
        };
        for (count, line) in lines.split_terminator('\n').enumerate() {
            let (signature, bytes) = Signature::parse(line).ok_or(NoteError::Malformed)?;
            if count >= MAX_SIGNATURES {
                return Err(NoteError::Malformed);
            }
            opened.add(signature, &bytes, known)?;
        }
        if opened.verified.is_empty() {
            return Err(NoteError::Unverified {
                note: Box::new(opened),
            });
        }
        Ok(opened)
    }

    fn add(&mut self, signature: Signature, bytes: &[u8], known: &Verifiers) -> Result<(), NoteError> {
        let Some(key) = known.find(signature.key())? else {
            if !self.unverified.contains(&signature) {
                self.unverified.push(signature);
            }
            return Ok(());
        };
        if self.verified.iter().any(|seen| seen.key() == signature.key()) {
            return Ok(());
        }
        if !key.verifies(self.text.as_bytes(), bytes) {
            let key = signature.key().clone();
            return Err(NoteError::InvalidSignature { key });
        }
        self.verified.push(signature);
        Ok(())
    }

    /// Signs a text for the first time (`note.Sign`).
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] if the outcome would be no note, [`NoteError::TooLong`] if it would be too long.
    pub fn sign(text: &str, signers: &[&Signer]) -> Result<String, NoteError> {
        write(text, Vec::new(), signers)
    }

    /// Adds signatures to the note (`note.Sign`). The signatures it has stay before them, but for those of the same
    /// keys.
    ///
    /// # Errors
    ///
    /// Those of [`SignedNote::sign`].
    pub fn sign_also(&self, signers: &[&Signer]) -> Result<String, NoteError> {
        let kept = self.verified.iter().chain(&self.unverified).cloned().collect();
        write(&self.text, kept, signers)
    }
}

fn write(text: &str, mut signatures: Vec<Signature>, signers: &[&Signer]) -> Result<String, NoteError> {
    signatures.retain(|kept| signers.iter().all(|signer| signer.id() != kept.key()));
    signatures.extend(signers.iter().map(|signer| signer.sign(text)));
    if signatures.len() > MAX_SIGNATURES {
        return Err(NoteError::Malformed);
    }
    let mut note = format!("{text}\n");
    for signature in &signatures {
        note.push_str(&signature.to_string());
        note.push('\n');
    }
    match split(note.as_bytes())? {
        (signed, _) if signed == text => Ok(note),
        _ => Err(NoteError::Malformed),
    }
}

/// The text and the lines of signatures, each with a newline at its end.
fn split(note: &[u8]) -> Result<(&str, &str), NoteError> {
    let len = note.len();
    if len > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong { len });
    }
    let note = std::str::from_utf8(note).map_err(|_| NoteError::Malformed)?;
    let is_clean = note.bytes().all(|byte| byte >= b' ' || byte == b'\n');
    let at = note
        .rfind("\n\n")
        .filter(|_| is_clean)
        .ok_or(NoteError::Malformed)?;
    let (text, lines) = (&note[..=at], &note[at + 2..]);
    if lines.ends_with('\n') {
        Ok((text, lines))
    } else {
        Err(NoteError::Malformed)
    }
}
