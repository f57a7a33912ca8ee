//! Where compressed contents wait for the rest of their zip.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::PathBuf,
};

/// A stretch of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// Bytes that are written once, front to back, and read anywhere: in memory up to a size, else in a file without a name,
/// which is gone when it is closed.
#[derive(Debug)]
pub(crate) struct Spool {
    kept: Kept,
    len: u64,
    /// How much there may be, in bytes.
    limit: u64,
    /// How much of it may be kept in memory.
    memory: usize,
    dir: PathBuf,
}

#[derive(Debug)]
enum Kept {
    Memory(Vec<u8>),
    File(File),
}

impl Spool {
    /// An empty one for `limit` bytes that uses up to `memory` bytes of memory, and then a file in `dir`.
    pub(crate) fn new(limit: u64, memory: usize, dir: PathBuf) -> Self {
        Self {
            kept: Kept::Memory(Vec::new()),
            len: 0,
            limit,
            memory,
            dir,
        }
    }

    /// Adds bytes at the end. What is over the limit is an error of the kind [`io::ErrorKind::FileTooLarge`].
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<Extent> {
        if self.len + bytes.len() as u64 > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if let Kept::Memory(kept) = &mut self.kept
            && kept.len() + bytes.len() > self.memory
        {
            let mut file = tempfile::tempfile_in(&self.dir)?;
            file.write_all(kept)?;
            self.kept = Kept::File(file);
        }
        match &mut self.kept {
            Kept::Memory(kept) => kept.extend_from_slice(bytes),
            Kept::File(file) => file.write_all(bytes)?,
        }
        let extent = Extent {
            offset: self.len,
            len: bytes.len() as u64,
        };
        self.len += extent.len;
        Ok(extent)
    }

    /// Fills `buffer` from `offset`; it must not be asked for more than there is.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &self.kept {
            Kept::Memory(kept) => {
                let start = usize::try_from(offset).map_err(io::Error::other)?;
                let kept = kept.get(start..).and_then(|kept| kept.get(..buffer.len()));
                buffer.copy_from_slice(kept.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Kept::File(file) => file.read_exact_at(buffer, offset),
        }
    }

    /// Whether it is in memory.
    #[cfg(test)]
    fn is_in_memory(&self) -> bool {
        matches!(self.kept, Kept::Memory(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_goes_into_a_file_and_reads_the_same() {
        let dir = tempfile::tempdir().expect("tempdir");
        for memory in [0, 5, 6, 100] {
            let mut spool = Spool::new(6, memory, dir.path().to_owned());
            assert_eq!(
                spool.append(b"abc").expect("append"),
                Extent { offset: 0, len: 3 }
            );
            assert_eq!(
                spool.append(b"def").expect("append"),
                Extent { offset: 3, len: 3 }
            );
            assert_eq!(spool.is_in_memory(), memory >= 6);
            let error = spool.append(b"g").expect_err("full");
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
            let mut buffer = [0; 4];
            spool.read(1, &mut buffer).expect("read");
            assert_eq!(&buffer, b"bcde");
            assert!(spool.read(4, &mut buffer).is_err(), "there is no more");
        }
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("dir").count(),
            0,
            "no file has a name"
        );
    }
}
