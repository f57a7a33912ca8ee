//! `/index` and `/catalog`: which versions are stored, for programs that follow or mirror them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use stoa_index::{Index, IndexError, MAX_PAGE, Timestamp};
use stoa_module::{ModulePath, ModuleVersion, Version};

use crate::{guard::Guard, mount::Mount};

/// The most lines of `/index`, as of the public index of modules; also what there is without a limit.
const LINES: usize = 2_000;
/// What a page of `/catalog` has, unless somebody says otherwise, as in Athens.
const PAGE: usize = 1_000;
/// How long an answer is wanted again at the earliest, in seconds, if the index is away.
const AWAY: u64 = 5;

const TEXT: (header::HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json; charset=utf-8");

type Shared = Option<Arc<dyn Index>>;

/// `/index` and `/catalog` from `index`, or the word that there is none, for whom `guard` lets in.
pub fn index_mounts(index: Option<Arc<dyn Index>>, guard: &Arc<dyn Guard>) -> Vec<Mount> {
    let mount = |path: &'static str, routes: Router| Mount::new(path, Arc::clone(guard), routes);
    let lines = Router::new().route("/index", get(lines)).fallback(unknown);
    let pages = Router::new().route("/catalog", get(pages)).fallback(unknown);
    let other_method = || async { bad(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD") };
    let lines = lines.method_not_allowed_fallback(other_method);
    let pages = pages.method_not_allowed_fallback(other_method);
    vec![
        mount("/index", lines.with_state(index.clone())).with_max_body(usize::MAX),
        mount("/catalog", pages.with_state(index)).with_max_body(usize::MAX),
    ]
}

/// What is asked of `/index`. A name that it does not have says nothing, as with the public index.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LinesQuery {
    since: Option<String>,
    limit: Option<String>,
}

/// A line of `/index`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    path: &'a str,
    version: &'a str,
    timestamp: String,
}

async fn lines(State(index): State<Shared>, Query(query): Query<LinesQuery>) -> Response {
    let Some(index) = index else { return no_index() };
    let since = match query.since.as_deref() {
        None | Some("") => Timestamp::ZERO,
        Some(text) => match moment(text) {
            Some(since) => since,
            None => {
                return bad(
                    StatusCode::BAD_REQUEST,
                    "since: write a time as 2006-01-02T15:04:05Z (RFC 3339)",
                );
            }
        },
    };
    let Ok(limit) = number(query.limit.as_deref(), LINES) else {
        return bad(StatusCode::BAD_REQUEST, "limit: write a number from 1 to 2000");
    };
    let listed = match index.since(since, limit.min(LINES)).await {
        Ok(listed) => listed,
        Err(error) => return failed(&error),
    };
    let mut text = String::with_capacity(128 * listed.len());
    for one in &listed {
        let line = Line {
            path: one.target.path().as_str(),
            version: one.target.version().as_str(),
            timestamp: one.at.to_string(),
        };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    answer(text)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PagesQuery {
    token: Option<String>,
    pagesize: Option<String>,
}

#[derive(Debug, Serialize)]
struct Page<'a> {
    modules: Vec<Module<'a>>,
    /// What the next page is asked for with; missing with the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Module<'a> {
    module: &'a str,
    version: &'a str,
}

async fn pages(State(index): State<Shared>, Query(query): Query<PagesQuery>) -> Response {
    let Some(index) = index else { return no_index() };
    let after = match query.token.as_deref() {
        None | Some("") => None,
        Some(token) => match token_of(token) {
            Some(after) => Some(after),
            None => {
                return bad(
                    StatusCode::BAD_REQUEST,
                    "token: it is none that this server gave out",
                );
            }
        },
    };
    let Ok(size) = number(query.pagesize.as_deref(), PAGE) else {
        return bad(StatusCode::BAD_REQUEST, "pagesize: write a number from 1 to 5000");
    };
    let size = size.min(MAX_PAGE);
    let found = match index.catalog(after.as_ref(), size).await {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    let next = found.last().filter(|_| found.len() == size);
    let page = Page {
        next: next.map(|last| format!("{}@{}", last.path(), last.version())),
        modules: found
            .iter()
            .map(|target| Module {
                module: target.path().as_str(),
                version: target.version().as_str(),
            })
            .collect(),
    };
    answer(serde_json::to_string(&page).unwrap_or_default())
}

/// A number of at least one; `default` if there is none.
fn number(text: Option<&str>, default: usize) -> Result<usize, ()> {
    match text {
        None | Some("") => Ok(default),
        // A number that is too long for us is a large one.
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.parse() {
            Ok(0) => Err(()),
            number => Ok(number.unwrap_or(usize::MAX)),
        },
        Some(_) => Err(()),
    }
}

/// A time as RFC 3339 writes it.
fn moment(text: &str) -> Option<Timestamp> {
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};
    // A plus sign that is not encoded is read as a space.
    let time = OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339).ok()?;
    let micros = time.unix_timestamp_nanos() / 1_000;
    Some(Timestamp::from_micros(i64::try_from(micros).ok()?))
}

fn token_of(token: &str) -> Option<ModuleVersion> {
    let (module, version) = token.rsplit_once('@')?;
    let (module, version) = (ModulePath::parse(module).ok()?, Version::parse(version).ok()?);
    ModuleVersion::new(module, version).ok()
}

fn answer(body: String) -> Response {
    // What is stored may be another thing in the next moment.
    ([JSON, (header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn bad(status: StatusCode, what: &str) -> Response {
    (status, [TEXT], format!("{what}\n")).into_response()
}

fn no_index() -> Response {
    bad(
        StatusCode::NOT_FOUND,
        "this server keeps no index (index.store = \"none\")",
    )
}

async fn unknown() -> Response {
    bad(StatusCode::NOT_FOUND, crate::status::UNKNOWN_PATH.trim_end())
}

fn failed(error: &IndexError) -> Response {
    tracing::warn!(%error, "the index was asked in vain");
    let status = match error {
        IndexError::Unreachable(_) | IndexError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = bad(status, &error.to_string());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(AWAY));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_rfc_3339_and_no_other() {
        for (text, want) in [
            ("2019-04-10T19:08:52.997264Z", 1_554_923_332_997_264),
            ("2019-04-10T21:08:52.997264+02:00", 1_554_923_332_997_264),
            ("2019-04-10T21:08:52.997264 02:00", 1_554_923_332_997_264),
            ("1970-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(moment(text), Some(Timestamp::from_micros(want)), "{text}");
        }
        for bad in ["02 Jan 06 15:04 MST", "2019-04-10", "x", "1554923332"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_begin_with_one() {
        assert_eq!(number(None, 7), Ok(7));
        assert_eq!(number(Some("3"), 7), Ok(3));
        assert_eq!(number(Some("99999999999999999999999"), 7), Ok(usize::MAX));
        for bad in ["0", "-1", "x", "+1", "1.5", " 1"] {
            assert_eq!(number(Some(bad), 7), Err(()), "{bad}");
        }
    }
}
