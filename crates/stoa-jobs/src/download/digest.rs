//! Hashing what is in files.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// Hashes all that `reader` has.
pub(crate) fn feed(digest: &mut Sha256, reader: &mut impl Read) -> io::Result<()> {
    let mut buffer = vec![0; 128 * 1_024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => digest.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
