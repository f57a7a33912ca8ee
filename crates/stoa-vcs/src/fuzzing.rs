//! What the fuzz targets in `fuzz/` reach of the parsers here, with what must hold of their answers. Not part of the
//! crate's interface.

/// What git prints.
pub mod git {
    pub use crate::git::fuzzing::{commit, find, refs};
}

/// Tar files.
pub mod tar {
    use std::io::Read as _;

    use crate::tar::TarReader;

    /// Reads all of it.
    ///
    /// # Panics
    ///
    /// If the contents are more than there is.
    pub fn read(bytes: &[u8]) {
        let mut reader = TarReader::new(bytes);
        let mut total = 0;
        while let Ok(Some(header)) = reader.next_header() {
            assert!(
                !header.path.contains(&0) || header.path.len() > 100,
                "a name goes on after its end"
            );
            let mut content = Vec::new();
            let whole = reader.read_to_end(&mut content).is_ok();
            total += content.len();
            assert!(total <= bytes.len(), "contents come from nowhere");
            assert_eq!(
                whole,
                content.len() as u64 == header.size,
                "a content ends early without an error"
            );
        }
    }

    /// Makes the checksum of each block right, so that what is behind it is read.
    pub fn mend(bytes: &mut [u8]) {
        for block in bytes.chunks_exact_mut(512) {
            block[148..156].fill(b' ');
            let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}
