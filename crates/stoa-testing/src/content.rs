//! Bytes of any length, held or generated on the fly.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// How much [`Content::chunks`] yields at a time.
pub const CHUNK: usize = 64 * 1024;

/// The most that [`Content::to_bytes`] brings into memory.
const MAX_IN_MEMORY: u64 = 64 * 1024 * 1024;

/// A body of known length that can be read from any offset without being in memory.
#[derive(Clone, Debug, Default)]
pub struct Content {
    segments: Arc<[Segment]>,
    len: u64,
}

#[derive(Clone, Debug)]
enum Segment {
    Held(Bytes),
    Random { len: u64, seed: u64 },
    Zeros { len: u64 },
}

impl Content {
    /// Pseudo-random bytes, the same for the same seed; they do not compress.
    pub fn random(len: u64, seed: u64) -> Self {
        Self::of(vec![Segment::Random { len, seed }])
    }

    /// Zero bytes.
    pub fn zeros(len: u64) -> Self {
        Self::of(vec![Segment::Zeros { len }])
    }

    /// The parts one after another.
    pub fn concat(parts: impl IntoIterator<Item = Content>) -> Self {
        Self::of(
            parts
                .into_iter()
                .flat_map(|part| part.segments.to_vec())
                .collect(),
        )
    }

    fn of(segments: Vec<Segment>) -> Self {
        Self {
            len: segments.iter().map(Segment::len).sum(),
            segments: segments.into(),
        }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `buffer` with the bytes from `offset` on, which must not reach beyond the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) {
        assert!(
            offset + buffer.len() as u64 <= self.len,
            "read beyond the end of the content"
        );
        let (mut start, mut filled) = (0, 0);
        for segment in self.segments.iter() {
            let end = start + segment.len();
            let position = offset + filled as u64;
            if filled < buffer.len() && position < end {
                let take = (buffer.len() - filled).min(to_usize(end - position));
                segment.read_at(position - start, &mut buffer[filled..filled + take]);
                filled += take;
            }
            start = end;
        }
    }

    /// The bytes in `range`, in pieces of at most [`CHUNK`].
    pub fn chunks(&self, range: Range<u64>) -> impl Iterator<Item = Bytes> + Send + use<> {
        let content = self.clone();
        let mut position = range.start;
        std::iter::from_fn(move || {
            let take = to_usize(range.end.saturating_sub(position).min(CHUNK as u64));
            (take > 0).then(|| {
                let mut chunk = vec![0; take];
                content.read_at(position, &mut chunk);
                position += take as u64;
                Bytes::from(chunk)
            })
        })
    }

    /// Everything in memory; panics above 64 MiB.
    pub fn to_bytes(&self) -> Bytes {
        assert!(
            self.len <= MAX_IN_MEMORY,
            "{} bytes are too many to hold: stream them",
            self.len
        );
        let mut bytes = vec![0; to_usize(self.len)];
        self.read_at(0, &mut bytes);
        bytes.into()
    }

    /// The SHA-256 of all of it, in hexadecimal.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        self.chunks(0..self.len).for_each(|chunk| hasher.update(&chunk));
        hex(&hasher.finalize())
    }

    /// The CRC-32 of all of it, as zip files have it.
    pub fn crc32(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        self.chunks(0..self.len).for_each(|chunk| hasher.update(&chunk));
        hasher.finalize()
    }
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self::of(vec![Segment::Held(bytes.into())])
    }
}

impl Segment {
    fn len(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Random { len, .. } | Self::Zeros { len } => *len,
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) {
        match self {
            Self::Held(bytes) => {
                let start = to_usize(offset);
                buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
            }
            Self::Random { seed, .. } => random_at(*seed, offset, buffer),
            Self::Zeros { .. } => buffer.fill(0),
        }
    }
}

/// Word `i` of the stream depends on the seed and `i` alone, so that any range can be made at once.
fn random_at(seed: u64, offset: u64, mut buffer: &mut [u8]) {
    let (mut word, skip) = (offset / 8, to_usize(offset % 8));
    if skip > 0 {
        let take = buffer.len().min(8 - skip);
        let (head, rest) = buffer.split_at_mut(take);
        head.copy_from_slice(&random_word(seed, word)[skip..skip + take]);
        (buffer, word) = (rest, word + 1);
    }
    for piece in buffer.chunks_mut(8) {
        piece.copy_from_slice(&random_word(seed, word)[..piece.len()]);
        word += 1;
    }
}

/// The `SplitMix64` generator, addressed by index.
fn random_word(seed: u64, index: u64) -> [u8; 8] {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).to_le_bytes()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).expect("a 64-bit machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_reads_the_same_bytes() {
        let content = Content::concat([
            "head".into(),
            Content::random(1000, 7),
            Content::zeros(9),
            "tail".into(),
        ]);
        let whole = content.to_bytes();
        assert_eq!(whole.len(), 1017);
        for (offset, len) in [(0, 1017), (3, 8), (4, 1), (11, 1000), (1003, 14), (1017, 0)] {
            let mut part = vec![0; len];
            content.read_at(offset as u64, &mut part);
            assert_eq!(part, whole[offset..offset + len], "{len} bytes at {offset}");
        }
    }

    #[test]
    fn digests_are_those_of_the_bytes() {
        let content = Content::concat(["123".into(), "456789".into()]);
        assert_eq!(content.crc32(), 0xcbf4_3926);
        assert_eq!(Content::default().sha256()[..16], *"e3b0c44298fc1c14");
    }
}
