//! Positioned reads.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use rustix::buffer::spare_capacity;

use crate::blocking::blocking;

/// [`pread`] on the blocking pool.
///
/// The buffer is made by the caller's thread: made by the blocking threads, of which there are many, large buffers
/// would stay with the allocator's heap of each of them.
pub(crate) async fn read(file: Arc<File>, offset: u64, len: usize) -> io::Result<Bytes> {
    let buffer = Vec::with_capacity(len);
    blocking(move || fill(&file, offset, len, buffer)).await
}

/// Reads up to `len` bytes from `offset` into a fresh buffer; fewer only where the file ends.
///
/// The buffer is not cleared first, and is exactly as large as asked: clamp `len` to what is there.
pub(crate) fn pread(file: &File, offset: u64, len: usize) -> io::Result<Bytes> {
    fill(file, offset, len, Vec::with_capacity(len))
}

/// [`pread`] into a buffer that has room for `len` bytes.
pub(crate) fn fill(file: &File, offset: u64, len: usize, mut buffer: Vec<u8>) -> io::Result<Bytes> {
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
