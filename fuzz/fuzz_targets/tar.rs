//! Tar files, which archives arrive as.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (mend, mut bytes) = input;
    if mend {
        stoa_vcs::fuzzing::tar::mend(&mut bytes);
    }
    stoa_vcs::fuzzing::tar::read(&bytes);
});
