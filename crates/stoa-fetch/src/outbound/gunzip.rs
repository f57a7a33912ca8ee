//! Bodies that came as gzip, though nobody asked for that.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures_util::{StreamExt, stream};

use crate::{FetchError, SourceName, body::Pieces};

/// Unpacks a body piece by piece. What is given out has at most some tens of kilobytes at a time, however much a piece holds:
/// whoever reads it counts, and stops at a limit.
///
/// As in Go's client, members may follow one another, a body without a byte is one, and anything after the last member,
/// a wrong sum and an end before the end are errors.
pub(super) fn unpacked(packed: Pieces, source_name: SourceName) -> Pieces {
    let state = Unpacking {
        packed,
        source_name,
        decoder: MultiGzDecoder::new(Vec::new()),
        piece: Bytes::new(),
        has_begun: false,
        has_ended: false,
    };
    let next = |mut state: Unpacking| async move {
        let piece = state.next().await?;
        Some((piece, state))
    };
    stream::unfold(state, next).boxed()
}

struct Unpacking {
    packed: Pieces,
    source_name: SourceName,
    decoder: MultiGzDecoder<Vec<u8>>,
    /// What is left of the last piece.
    piece: Bytes,
    has_begun: bool,
    has_ended: bool,
}

impl Unpacking {
    async fn next(&mut self) -> Option<Result<Bytes, FetchError>> {
        while !self.has_ended {
            let stepped = if self.piece.is_empty() {
                match self.packed.next().await {
                    Some(Ok(piece)) => {
                        self.has_begun |= !piece.is_empty();
                        self.piece = piece;
                        continue;
                    }
                    Some(Err(error)) => {
                        self.has_ended = true;
                        return Some(Err(error));
                    }
                    None => self.end(),
                }
            } else {
                self.step()
            };
            if let Err(error) = stepped {
                self.has_ended = true;
                let reason = format!("its content coding is gzip, and the body is none: {error}");
                return Some(Err(FetchError::invalid(&self.source_name, reason)));
            }
            let unpacked = std::mem::take(self.decoder.get_mut());
            if !unpacked.is_empty() {
                return Some(Ok(unpacked.into()));
            }
        }
        None
    }

    /// One step: the decoder fills its own buffer once at most, whatever the piece unpacks to.
    fn step(&mut self) -> io::Result<()> {
        let taken = self.decoder.write(&self.piece)?;
        if taken == 0 && self.decoder.get_ref().is_empty() {
            return Err(io::Error::other("it does not go on"));
        }
        let _taken = self.piece.split_to(taken);
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.has_ended = true;
        if self.has_begun {
            return self.decoder.try_finish();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("packed");
        encoder.finish().expect("packed")
    }

    /// What comes out of it in pieces of `size` bytes, and the largest piece.
    async fn read(packed: &[u8], size: usize) -> Result<(Vec<u8>, usize), String> {
        let pieces: Vec<_> = packed
            .chunks(size)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let mut out = unpacked(stream::iter(pieces).boxed(), SourceName::new("test"));
        let (mut all, mut largest) = (Vec::new(), 0);
        while let Some(piece) = out.next().await {
            let piece = piece.map_err(|error| error.to_string())?;
            largest = largest.max(piece.len());
            all.extend_from_slice(&piece);
        }
        Ok((all, largest))
    }

    #[tokio::test]
    async fn members_are_unpacked_whatever_the_pieces() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let two = [packed(&text), packed(b"more")].concat();
        for size in [1, 7, 4096, usize::MAX] {
            let (all, _) = read(&two, size.min(two.len())).await.expect("two members");
            assert!(all.starts_with(&text) && all.ends_with(b"more") && all.len() == text.len() + 4);
        }
        assert_eq!(read(b"", 1).await, Ok((Vec::new(), 0)));
        assert_eq!(read(&packed(b""), 3).await, Ok((Vec::new(), 0)));
    }

    #[tokio::test]
    async fn what_is_cut_changed_or_followed_by_something_is_an_error() {
        let whole = packed(b"module a.example/x\n");
        for end in 1..whole.len() {
            for size in [1, whole.len()] {
                let read = read(&whole[..end], size).await;
                assert!(read.is_err(), "{end} of {}: {read:?}", whole.len());
            }
        }
        for at in [0, 1, 2, whole.len() - 8, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(read(&changed, 5).await.is_err(), "{at}");
        }
        for rest in [&b"x"[..], b"\0", b"\x1f\x8b", b"a text that is no member"] {
            let followed = [&whole, rest].concat();
            for size in [1, followed.len()] {
                let said = read(&followed, size).await.expect_err("something follows");
                assert!(
                    said.contains("its content coding is gzip, and the body is none"),
                    "{said}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_bomb_comes_out_in_small_pieces() {
        let bomb = packed(&vec![0; 64 << 20]);
        let (all, largest) = read(&bomb, bomb.len()).await.expect("unpacked");
        assert_eq!(all.len(), 64 << 20);
        assert!(largest <= 64 << 10, "{largest}");
    }
}
