//! `.info`: what is read can be written, and then says the same; what is refused has one line for its reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_module::{Info, ModulePath};

fuzz_target!(|data: &[u8]| {
    let path = ModulePath::parse("example.com/m").expect("a path");
    match Info::parse(&path, data) {
        Ok(info) => {
            assert_eq!(Info::parse(&path, info.to_json().as_bytes()), Ok(info.clone()));
            let pinned = info.pinned();
            assert_eq!(pinned.clone().pinned(), pinned);
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
