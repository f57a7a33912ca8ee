//! go.mod files: what the strict reader takes the lax one takes, too, and the line scanner agrees about the module.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_module::modfile::{ModFile, auto_quote, module_path, must_quote};

fuzz_target!(|data: &[u8]| {
    let scanned = module_path(data);
    let strict = ModFile::parse("go.mod", data);
    let lax = ModFile::parse_lax("go.mod", data);
    if let Err(errors) = &strict {
        assert!(!errors.errors().is_empty());
        assert!(!errors.to_string().is_empty());
    }
    if let Ok(strict) = strict {
        let lax = lax.as_ref().expect("the lax reader takes more");
        assert_eq!(strict.module.as_ref().map(|m| &m.path), lax.module.as_ref().map(|m| &m.path));
        assert_eq!(strict.retract.len(), lax.retract.len());
        for (strict, lax) in strict.retract.iter().zip(&lax.retract) {
            assert_eq!((&strict.low, &strict.high), (&lax.low, &lax.high));
        }
    }
    if let Some(path) = scanned {
        assert!(!path.is_empty());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(auto_quote(text) != text, must_quote(text));
    }
});
