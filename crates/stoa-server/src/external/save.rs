//! Storing the version that a form holds.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{StatusCode, header},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use multer::{Field, Multipart};
use stoa_fetch::{FetchError, Phase, SourceName};
use stoa_module::{ModuleVersion, Resource};
use stoa_proxy::{Intake, Meaning, ProxyError};
use tokio::time::timeout;

use crate::{problem::Problem, status::status_of};

/// How long a piece of a form may be on its way.
const IDLE: Duration = Duration::from_secs(30);
/// Who offers what comes, in the log and in the index.
const SOURCE: &str = "external";

/// Stores `mod.info`, `mod.mod` and `mod.zip`. All three have to be there; what is stored before one that is no good stays.
pub(super) async fn save(intake: &Intake, target: &ModuleVersion, request: Request) -> Result<(), Problem> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default());
    let boundary = boundary.map_err(|error| bad(format!("send multipart/form-data: {error}")))?;
    let body = request
        .into_body()
        .into_data_stream()
        .map_err(std::io::Error::other);
    let mut form = Multipart::new(body, boundary);
    let stored = files(intake, target, &mut form).await;
    // Who is answered before he has sent all may never read the answer.
    while let Ok(Ok(Some(_))) = timeout(IDLE, form.next_field()).await {}
    stored
}

async fn files(
    intake: &Intake,
    target: &ModuleVersion,
    form: &mut Multipart<'static>,
) -> Result<(), Problem> {
    let mut missing = vec!["mod.info", "mod.mod", "mod.zip"];
    while !missing.is_empty() {
        let next = timeout(IDLE, form.next_field()).await;
        let next = next.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the form does not go on"))?;
        let Some(field) = next.map_err(|error| bad(format!("the form broke off: {error}")))? else {
            break;
        };
        let name = field.name().unwrap_or_default().to_owned();
        let resource = match name.as_str() {
            "mod.info" => Resource::Info(target.clone()),
            "mod.mod" => Resource::Mod(target.clone()),
            "mod.zip" => Resource::Zip(target.clone()),
            // What else there may be is passed over, as Athens does.
            _ => continue,
        };
        let pieces = stream::unfold(Some(field), piece).boxed();
        let taken = intake.take(resource, SourceName::new(SOURCE), pieces).await;
        taken.map_err(|error| problem(target, &name, &error))?;
        missing.retain(|missing| *missing != name);
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(bad(format!("the form lacks {}", missing.join(", "))))
}

fn bad(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

type Piece = Result<bytes::Bytes, FetchError>;

async fn piece(field: Option<Field<'static>>) -> Option<(Piece, Option<Field<'static>>)> {
    let mut field = field?;
    let source_name = SourceName::new(SOURCE);
    match timeout(IDLE, field.chunk()).await {
        Ok(Ok(None)) => None,
        Ok(Ok(Some(piece))) => Some((Ok(piece), Some(field))),
        Ok(Err(error)) => {
            let cause = Arc::new(error);
            Some((Err(FetchError::Broken { source_name, cause }), None))
        }
        Err(_) => {
            let error = FetchError::Timeout {
                source_name,
                phase: Phase::Idle,
                after: IDLE,
            };
            Some((Err(error), None))
        }
    }
}

/// What is wrong with a file is the fault of who sent it; all else is as it is for everybody.
fn problem(target: &ModuleVersion, name: &str, error: &ProxyError) -> Problem {
    let status = match error.meaning() {
        Meaning::BadUpstream => StatusCode::UNPROCESSABLE_ENTITY,
        Meaning::Deadline => StatusCode::REQUEST_TIMEOUT,
        meaning => status_of(meaning),
    };
    tracing::warn!(module = %target, file = name, error = %error.report(), "a file that was offered is not stored");
    Problem::new(status, format!("{name}: {error}"))
}
