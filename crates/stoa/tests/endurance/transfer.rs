//! One download, compared with what it should be while it comes.

use std::io;
use std::time::Instant;

use stoa_testing::content::Content;
use stoa_testing::http::{BodyEnd, Streaming};

/// How a download went that had nothing wrong in it.
#[derive(Debug)]
pub(crate) struct Download {
    /// Whether the body came to its announced end.
    pub(crate) whole: bool,
    /// When the first byte of the body came.
    pub(crate) first_byte: Option<Instant>,
}

/// `GET`s a URL. Tells `progress` how long each piece is.
///
/// Panics unless the answer is 200 and its body the beginning of `want`, and all of it if it ends
/// cleanly. An `Err` says that no answer came, or that the connection broke.
pub(crate) async fn download(
    url: &str,
    want: &Content,
    mut progress: impl FnMut(u64),
) -> io::Result<Download> {
    let mut response = Streaming::open(url, &[]).await?;
    assert_eq!(response.status, 200, "{url}");
    let mut first_byte = None;
    let mut expected = Vec::new();
    let mut offset = 0;
    while let Some(piece) = response.next().await? {
        first_byte.get_or_insert_with(Instant::now);
        let end = offset + piece.len() as u64;
        assert!(end <= want.len(), "{url}: more than {} bytes", want.len());
        expected.resize(piece.len(), 0);
        want.read_at(offset, &mut expected);
        assert!(piece == expected, "{url}: wrong bytes between {offset} and {end}");
        offset = end;
        progress(piece.len() as u64);
    }
    let whole = match response.end() {
        Some(BodyEnd::Clean) => {
            assert_eq!(offset, want.len(), "{url}: short, with a clean end");
            true
        }
        Some(BodyEnd::Cut { .. }) => false,
        end => panic!("{url}: nobody can tell whether the body is whole: {end:?}"),
    };
    Ok(Download { whole, first_byte })
}
