//! The end of a download: the file is checked and published.

use std::{io, time::Duration};

use super::{
    copy::check_type,
    exchange::Said,
    image_size::image_size,
    result::DownloadResult,
    session::Session,
    sha256_hex::Sha256Hex,
    sink::{Existing, FileMeta, FinishedFile, Sink, SinkError},
    verdict::{dead, retry},
};
use crate::{Failure, Outcome, Run, StoreError, pause::Pause};

/// How long a job waits whose sink is away.
const SINK_AWAY: Duration = Duration::from_secs(30);

/// Checks the whole file, and publishes it if the job is still this run's.
pub(crate) async fn finish(
    session: &mut Session<'_>,
    sink: &dyn Sink,
    said: Said,
    is_resumed: bool,
) -> Result<DownloadResult, Outcome> {
    let content_type = check_type(session)?;
    session.with_file(|partial| partial.sync()).await?;
    let partial = session.partial()?;
    let (sha256, bytes) = (partial.sha256(), partial.length());
    check_digest(session, &sha256, is_resumed)?;
    let image_size = size_of_image(session, content_type).await?;
    let meta = FileMeta {
        sha256,
        bytes,
        content_type: content_type.to_owned(),
    };
    let location = publish(session, sink, &meta).await?;
    Ok(DownloadResult {
        status: said.status,
        bytes,
        sha256: Some(meta.sha256),
        content_type: Some(meta.content_type),
        image_size,
        etag: said.etag,
        last_modified: said.last_modified,
        location: Some(location),
        unchanged: false,
    })
}

fn check_digest(session: &mut Session<'_>, found: &str, is_resumed: bool) -> Result<(), Outcome> {
    let wanted = session.spec.sha256.as_ref().map(Sha256Hex::as_str);
    let Some(wanted) = wanted.filter(|wanted| *wanted != found) else {
        return Ok(());
    };
    let text = format!("the content has the sha256 {found}, and the job wants {wanted}");
    if is_resumed {
        // The server may have changed the content under one validator. From its beginning, the next run finds out.
        session.distrust();
        return Err(retry("digest", &text));
    }
    Err(dead("digest", &text))
}

async fn size_of_image(
    session: &mut Session<'_>,
    content_type: &'static str,
) -> Result<Option<String>, Outcome> {
    if !session.spec.extract_image_size {
        return Ok(None);
    }
    let size = session
        .with_file(move |partial| match image_size(partial.file(), content_type) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                Ok(Err(error))
            }
            size => size.map(Ok),
        })
        .await?;
    let broken = |error| dead("image", &format!("the size of the image cannot be read: {error}"));
    Ok(size.map_err(broken)?.map(|size| size.to_string()))
}

async fn publish(session: &mut Session<'_>, sink: &dyn Sink, meta: &FileMeta) -> Result<String, Outcome> {
    is_ours(session.run).await?;
    let Some(partial) = session.partial.take() else {
        return Err(retry("panic", "the file of the run is gone"));
    };
    let file = blocking(move || FinishedFile::of_run(partial)).await?;
    let id = &session.run.job().id;
    let mut published = sink.publish(file.clone(), id, meta, Existing::Stays).await;
    if matches!(published, Err(SinkError::Conflict)) {
        // A run that had lost its lease was faster. Whoever has the lease now decides.
        is_ours(session.run).await?;
        session.run.note("replaced", true);
        published = sink.publish(file.clone(), id, meta, Existing::IsReplaced).await;
    }
    match published {
        Ok(location) => {
            blocking(move || drop(file)).await?;
            Ok(location)
        }
        Err(SinkError::Local(error)) => Err(session.of_io(&error)),
        Err(error @ SinkError::Away(_)) => {
            session.partial = file.into_partial();
            if let Some(partial) = &mut session.partial {
                partial.keep();
            }
            Err(Outcome::Snooze {
                failure: Failure::new("sink", &error.to_string()),
                wait: SINK_AWAY,
            })
        }
        Err(error @ SinkError::Conflict) => Err(retry("sink", &error.to_string())),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Outcome> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|_panic| retry("panic", "the file could not be published; the log has more"))
}

/// Asks the store whether the lease still holds, for as long as the store is away: nothing is published on a guess.
async fn is_ours(run: &Run) -> Result<(), Outcome> {
    let interrupted = |text| Err(Outcome::Interrupted(Failure::new("interrupted", text)));
    let mut pause = Pause::default();
    loop {
        match run.is_ours().await {
            Ok(true) => return Ok(()),
            Ok(false) => return interrupted("the lease has ended"),
            Err(StoreError::Closed) => return interrupted("the job store is closed"),
            Err(error) => {
                tracing::warn!(job = %run.job().id, %error, "a file waits for the job store before it is published");
                pause.wait().await;
            }
        }
    }
}
