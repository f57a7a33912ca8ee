//! A body that is checked while it is read.

use std::fmt;

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::Instant;

use crate::{FetchError, SourceName};

/// The raw pieces, before any check. They have a deadline: a source that stalls ends them with an error.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, FetchError>>;

/// The content of an answer, piece by piece.
///
/// It counts what arrives: more than the limit and more or less than announced end it with an error, as does a source
/// that stalls. An end without an error is a whole body.
pub struct Body {
    pieces: Pieces,
    rules: Rules,
    read: u64,
    ended: bool,
    began: Instant,
}

/// What a body is held to.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) source_name: SourceName,
    /// Announced length.
    pub(crate) len: Option<u64>,
    pub(crate) limit: u64,
}

impl Body {
    /// Refuses at once what announces too much.
    pub(crate) fn new(pieces: Pieces, rules: Rules) -> Result<Self, FetchError> {
        match rules.len {
            Some(len) if len > rules.limit => Err(too_large(&rules)),
            _ => Ok(Self {
                pieces,
                rules,
                read: 0,
                ended: false,
                began: Instant::now(),
            }),
        }
    }

    /// The next piece, never empty; `None` after the last one. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, FetchError>> {
        while !self.ended {
            match self.piece().await {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => return Some(Ok(piece)),
                Ok(None) => {
                    self.ended = true;
                    let (source, bytes) = (&self.rules.source_name, self.read);
                    tracing::debug!(%source, bytes, elapsed = ?self.began.elapsed(), "the body is whole");
                }
                Err(error) => {
                    self.ended = true;
                    let bytes = self.read;
                    tracing::debug!(%error, bytes, elapsed = ?self.began.elapsed(), "the body broke off");
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// The pieces, with these checks.
    pub(crate) fn into_pieces(self) -> Pieces {
        let next = |mut body: Self| async move {
            let piece = body.next().await?;
            Some((piece, body))
        };
        stream::unfold(self, next).boxed()
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        let Some(piece) = self.pieces.next().await.transpose()? else {
            return self.check_end().map(|()| None);
        };
        self.read += piece.len() as u64;
        if self.read > self.rules.limit {
            return Err(too_large(&self.rules));
        }
        if self.rules.len.is_some_and(|len| self.read > len) {
            return Err(FetchError::invalid(
                &self.rules.source_name,
                "the body is longer than announced",
            ));
        }
        Ok(Some(piece))
    }

    fn check_end(&self) -> Result<(), FetchError> {
        match self.rules.len {
            Some(len) if self.read < len => {
                let reason = format!("the body ended after {} of {len} bytes", self.read);
                Err(FetchError::invalid(&self.rules.source_name, reason))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("rules", &self.rules)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

fn too_large(rules: &Rules) -> FetchError {
    FetchError::invalid(
        &rules.source_name,
        format!("the body is larger than the limit of {} bytes", rules.limit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(pieces: &[&'static str], len: Option<u64>, limit: u64) -> Result<Body, FetchError> {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|p| Ok(Bytes::from_static(p.as_bytes())))
            .collect();
        let rules = Rules {
            source_name: SourceName::new("test"),
            len,
            limit,
        };
        Body::new(stream::iter(pieces).boxed(), rules)
    }

    async fn read(body: Body) -> Result<String, String> {
        let mut body = body;
        let mut all = String::new();
        while let Some(piece) = body.next().await {
            all.push_str(std::str::from_utf8(&piece.map_err(|e| e.to_string())?).expect("utf-8"));
        }
        Ok(all)
    }

    #[tokio::test]
    async fn a_whole_body_ends_clean() {
        assert_eq!(
            read(body(&["ab", "", "c"], Some(3), 3).expect("body")).await,
            Ok("abc".to_owned())
        );
        assert_eq!(read(body(&[], None, 0).expect("body")).await, Ok(String::new()));
    }

    #[tokio::test]
    async fn short_long_and_oversized_bodies_are_errors() {
        let short = read(body(&["ab"], Some(3), 9).expect("body")).await;
        assert_eq!(
            short,
            Err("test sent a bad answer: the body ended after 2 of 3 bytes".to_owned())
        );
        let long = read(body(&["abcd"], Some(3), 9).expect("body")).await;
        assert_eq!(
            long,
            Err("test sent a bad answer: the body is longer than announced".to_owned())
        );
        let large = read(body(&["ab", "cd"], None, 3).expect("body")).await;
        assert_eq!(
            large,
            Err("test sent a bad answer: the body is larger than the limit of 3 bytes".to_owned())
        );
        assert!(
            body(&[], Some(4), 3).is_err(),
            "an announced length over the limit is refused at once"
        );
    }
}
