//! Signed notes and keys: what opens was signed, and can be signed again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_sumdb::{KeyName, NoteError, SignedNote, Signer, TreeHead, VerifierKey, Verifiers};

fuzz_target!(|input: (u8, &[u8])| {
    let (how, data) = input;
    let signer = Signer::from_seed(KeyName::new("example.com/log").unwrap(), &[7; 32]);
    let other = Signer::from_seed(KeyName::new("other").unwrap(), &[8; 32]);
    let known = Verifiers::new([signer.verifier_key()]);
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(key) = text.parse::<VerifierKey>() {
            assert_eq!(key.to_string().parse::<VerifierKey>().as_ref(), Ok(&key));
        }
        if let Ok(head) = TreeHead::parse(text) {
            let printed = head.to_text();
            assert_eq!(TreeHead::parse(&printed), Ok(head));
        }
        if let Ok(note) = SignedNote::sign(text, &[&other, &signer]) {
            let opened = SignedNote::open(note.as_bytes(), &known).expect("it is signed");
            assert_eq!(opened.text(), text);
            assert_eq!((opened.verified().len(), opened.unverified().len()), (1, 1));
            // A bit more or less in the text, and it is not.
            if !text.is_empty() {
                let mut bytes = note.into_bytes();
                let at = usize::from(how) % text.len();
                bytes[at] ^= 1;
                assert!(SignedNote::open(&bytes, &known).is_err(), "byte {at} does not matter");
            }
        }
    }
    match SignedNote::open(data, &known) {
        Ok(note) => {
            assert!(!note.verified().is_empty());
            let again = note.sign_also(&[&other]).unwrap();
            assert_eq!(SignedNote::open(again.as_bytes(), &known).unwrap().text(), note.text());
        }
        Err(NoteError::Unverified { note }) => assert!(note.verified().is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
