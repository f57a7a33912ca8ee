//! Positioned reads.

use std::fs::File;
use std::io;

use bytes::Bytes;
use rustix::buffer::spare_capacity;

/// Reads up to `len` bytes from `offset` into a fresh buffer; fewer only where the file ends.
///
/// The buffer is not cleared first, and is exactly as large as asked: clamp `len` to what is there.
pub(crate) fn pread(file: &File, offset: u64, len: usize) -> io::Result<Bytes> {
    let mut buffer = Vec::with_capacity(len);
    while buffer.len() < len {
        let at = offset + buffer.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut buffer), at) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    buffer.truncate(len);
    Ok(buffer.into())
}
