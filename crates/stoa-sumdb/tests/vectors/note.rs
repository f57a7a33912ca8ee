use serde_json::Value;
use stoa_sumdb::{KeyError, NoteError, SignedNote, Signer, VerifierKey, Verifiers};

use crate::{all, assert_fields, cases, flag, number, text, texts};

#[test]
fn families() {
    for vectors in all("note") {
        assert_fields(&vectors, &["open", "sign", "verifier_keys", "verifier_sets"]);
    }
}

#[test]
fn verifier_keys() {
    for vectors in all("note") {
        for case in cases(&vectors, "verifier_keys", 11) {
            assert_fields(case, &["err", "key_hash", "name", "ok", "vkey"]);
            let key: Result<VerifierKey, KeyError> = text(case, "vkey").parse();
            assert_eq!(key.is_ok(), flag(case, "ok"), "{case}");
            match key {
                Ok(key) => {
                    assert_eq!(key.name().as_str(), text(case, "name"));
                    assert_eq!(u64::from(key.hash().get()), number(case, "key_hash"));
                    let (hash, vkey) = (format!("{:08x}", key.hash().get()), text(case, "vkey"));
                    assert_eq!(key.to_string(), vkey.replace(&hash.to_uppercase(), &hash));
                }
                Err(error) => assert_eq!(error.to_string(), text(case, "err"), "{case}"),
            }
        }
    }
}

/// The sets of keys that cases name; those of more than one key are only described by their names.
fn verifiers(sets: &Value, name: &str) -> Verifiers {
    assert_fields(sets, &["enoch", "peter"]);
    let key = |name| -> VerifierKey { text(sets, name).parse().expect("a key") };
    match name {
        "both" => Verifiers::new([key("peter"), key("enoch")]),
        "none" => Verifiers::default(),
        "dup_enoch" => Verifiers::new([key("enoch"), key("enoch"), key("peter")]),
        one => Verifiers::new([key(one)]),
    }
}

#[test]
fn open() {
    for vectors in all("note") {
        for case in cases(&vectors, "open", 80) {
            assert_fields(
                case,
                &["err", "msg", "text", "unverified", "verified", "verifiers"],
            );
            let known = verifiers(&vectors["verifier_sets"], text(case, "verifiers"));
            let note = SignedNote::open(text(case, "msg").as_bytes(), &known);
            let error = note.as_ref().err().map(NoteError::to_string).unwrap_or_default();
            assert_eq!(error, text(case, "err"), "{case}");
            let names = |signatures: &[stoa_sumdb::Signature]| -> Vec<String> {
                signatures
                    .iter()
                    .map(|signature| signature.key().name.to_string())
                    .collect()
            };
            if let Ok(note) = note {
                assert_eq!(note.text(), text(case, "text"));
                assert_eq!(Some(names(note.verified())), owned(texts(case, "verified")));
                assert_eq!(Some(names(note.unverified())), owned(texts(case, "unverified")));
            } else {
                assert!(
                    case.get("text").is_none() && case.get("verified").is_none(),
                    "{case}"
                );
            }
        }
    }
}

fn owned(texts: Option<Vec<&str>>) -> Option<Vec<String>> {
    texts.map(|texts| texts.into_iter().map(str::to_owned).collect())
}

#[test]
fn sign() {
    for vectors in all("note") {
        let case = &vectors["sign"];
        assert_fields(case, &["signed", "skey", "text"]);
        let signer: Signer = text(case, "skey").parse().expect("a private key");
        let signed = SignedNote::sign(text(case, "text"), &[&signer]).expect("a text");
        assert_eq!(signed, text(case, "signed"));
        assert_eq!(signer.to_secret_text(), text(case, "skey"));
        let note = SignedNote::open(signed.as_bytes(), &signer.verifier_key().into()).expect("signed");
        assert_eq!(note.sign_also(&[&signer]).as_deref(), Ok(signed.as_str()));
    }
}
