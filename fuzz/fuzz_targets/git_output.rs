//! What git prints of refs, commits and trees.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_vcs::fuzzing::git;

fuzz_target!(|input: (&[u8], &[u8], bool)| {
    let (bytes, name, sha256) = input;
    git::refs(bytes);
    git::commit(bytes);
    git::find(bytes, name, if sha256 { 32 } else { 20 });
});
