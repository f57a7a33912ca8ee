//! A version on its way to the remote.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use stoa_dispatch::RequestBody;

use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::FileKind;

/// How much of a file is in memory at a time, in bytes.
const PIECE: usize = 256 << 10;

/// The three files of a version as `multipart/form-data`, which are read while they are sent.
#[derive(Debug)]
pub(super) struct Upload {
    boundary: String,
    parts: Vec<Part>,
    len: u64,
}

#[derive(Debug)]
enum Part {
    Text(Bytes),
    File(Blob),
}

impl Upload {
    /// `mod.info`, `mod.mod` and `mod.zip`, in the order that the protocol has them.
    pub(super) fn new(files: [Blob; 3]) -> Self {
        // Files are whatever somebody wrote into them, so the boundary must be nothing that he could know.
        let (one, other) = (random(), random());
        let boundary = format!("stoa{one:016x}{other:016x}");
        let mut parts = Vec::with_capacity(7);
        let mut before = "";
        for (kind, file) in FileKind::ALL.into_iter().zip(files) {
            let name = format!("mod.{kind}");
            let head = format!(
                "{before}--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            parts.push(Part::Text(head.into()));
            parts.push(Part::File(file));
            before = "\r\n";
        }
        parts.push(Part::Text(format!("\r\n--{boundary}--\r\n").into()));
        let len = parts.iter().map(Part::len).sum();
        Self { boundary, parts, len }
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The size of the body in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn into_body(self) -> RequestBody {
        let parts = self.parts.into_iter();
        let pieces = stream::try_unfold((parts, None::<(Blob, u64)>), async |(mut parts, mut file)| {
            loop {
                if let Some((blob, at)) = file.take()
                    && at < blob.len()
                {
                    let piece = blob.read_at(at, PIECE).await?;
                    let at = at + piece.len() as u64;
                    return Ok::<_, StorageError>(Some((Frame::data(piece), (parts, Some((blob, at))))));
                }
                match parts.next() {
                    None => return Ok(None),
                    Some(Part::Text(text)) => return Ok(Some((Frame::data(text), (parts, None)))),
                    Some(Part::File(blob)) => file = Some((blob, 0)),
                }
            }
        });
        RequestBody::stream(StreamBody::new(pieces))
    }
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(blob) => blob.len(),
        }
    }
}

/// A number that nobody else can know: the keys of a hash map are made in this way.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
