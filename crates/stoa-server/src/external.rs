//! `POST .../@v/VERSION.save` and `DELETE .../@v/VERSION.delete`: the writing half of Athens' external storage protocol, whose
//! reading half is the GOPROXY protocol itself.

mod save;

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use stoa_fetch::Context;
use stoa_module::{ModulePath, ModuleVersion, PatternList, Version};
use stoa_proxy::{Intake, Refreshes, Remover};
use tokio::sync::Semaphore;

use self::save::save;
use crate::{AdminLog, AdminToken, guard::Guard, mount::Mount, peer::Peer, problem::Problem};

/// Where the part is mounted in name; it answers below modules.
const PREFIX: &str = "/-/external";
/// Versions that are stored at a time.
const AT_A_TIME: usize = 16;
/// What a form has beside its files, in bytes.
const FORM: u64 = 64 << 10;

/// What stores and deletes for an Athens.
#[derive(Debug)]
pub struct ExternalStore {
    /// Stores.
    pub intake: Intake,
    /// Deletes.
    pub remover: Remover,
    /// Told of what is new: it may have been asked for in vain a moment ago.
    pub refreshes: Arc<Refreshes>,
    /// Where it is written down what is deleted.
    pub log: Arc<AdminLog>,
    /// How large the files of a version may be, all together, in bytes.
    pub largest: u64,
}

struct Shared {
    store: ExternalStore,
    room: Semaphore,
}

/// The part that answers paths that end with `.save` and `.delete`, for who knows `token`.
pub fn external_mount(store: ExternalStore, token: AdminToken) -> Mount {
    let most = usize::try_from(store.largest.saturating_add(FORM)).unwrap_or(usize::MAX);
    let shared = Shared {
        store,
        room: Semaphore::new(AT_A_TIME),
    };
    let routes = Router::new().fallback(answer).with_state(Arc::new(shared));
    Mount::new(PREFIX, Arc::new(TokenGuard(token)), routes).with_max_body(most)
}

/// Whether a path is one of this part.
pub(crate) fn is_of_external(path: &str) -> bool {
    path.contains("/@v/") && verb_of(path).is_some()
}

/// What is to be done, by the end of a path.
fn verb_of(path: &str) -> Option<Verb> {
    match path.rsplit_once('.')?.1 {
        "save" => Some(Verb::Save),
        "delete" => Some(Verb::Delete),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Save,
    Delete,
}

/// Lets in who knows a token, as a bearer or, as URLs carry it, as the password of a user of any name.
struct TokenGuard(AdminToken);

impl fmt::Display for TokenGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("external token")
    }
}

impl fmt::Debug for TokenGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenGuard")
    }
}

impl Guard for TokenGuard {
    fn check(&self, _: Option<Peer>, _: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let token = headers.get(header::AUTHORIZATION).and_then(presented);
        if token.is_some_and(|token| self.0.is(&token)) {
            return Ok(());
        }
        let detail = "this needs the token of external.token_file: https://stoa:TOKEN@HOST as the URL of the external storage, \
                      or \"Authorization: Bearer TOKEN\"";
        Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
    }
}

fn presented(value: &HeaderValue) -> Option<Vec<u8>> {
    let text = value.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim_start().as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(rest.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let verb = match (request.method(), verb_of(&path)) {
        (&Method::POST, Some(Verb::Save)) => Verb::Save,
        (&Method::DELETE, Some(Verb::Delete)) => Verb::Delete,
        _ => {
            return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "POST .save, or DELETE .delete")
                .into_response();
        }
    };
    let Some(target) = target_of(&path) else {
        let detail = "want /MODULE/@v/VERSION.save or .delete, the module path escaped";
        return Problem::new(StatusCode::BAD_REQUEST, detail).into_response();
    };
    let done = if verb == Verb::Save {
        let Ok(_room) = shared.room.try_acquire() else {
            let mut response = Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many versions are being stored",
            )
            .into_response();
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
            return response;
        };
        let saved = save(&shared.store.intake, &target, request).await;
        // Also if it broke off: what came before that is stored.
        let module = PatternList::parse(target.path().as_str());
        shared.store.refreshes.modules(module);
        saved
    } else {
        let context = request.extensions().get::<Context>();
        let trace = context.map(|context| context.trace.to_string());
        delete(&shared.store, &target, trace.as_deref().unwrap_or("-")).await
    };
    match done {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// The version of a path. Athens escapes the module path and leaves the version as it is.
fn target_of(path: &str) -> Option<ModuleVersion> {
    let (module, file) = path.trim_start_matches('/').rsplit_once("/@v/")?;
    let (version, _) = file.rsplit_once('.')?;
    let (module, version) = (decoded(module)?, decoded(version)?);
    let module = ModulePath::unescape(&module).ok()?;
    let version = Version::unescape(&version)
        .or_else(|_| Version::parse(&version))
        .ok()?;
    ModuleVersion::new(module, version).ok()
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

async fn delete(store: &ExternalStore, target: &ModuleVersion, request: &str) -> Result<(), Problem> {
    let what = format!("{}@{}", target.path(), target.version());
    let written = store
        .log
        .write(
            "external delete",
            &what,
            "by the external storage protocol",
            request,
        )
        .await;
    written.map_err(|error| {
        let detail = format!("nothing is removed: the log of administration cannot be written: {error}");
        Problem::new(StatusCode::INSUFFICIENT_STORAGE, detail)
    })?;
    let removed = store.remover.remove(std::slice::from_ref(target)).await;
    let removed = removed.map_err(|error| {
        tracing::error!(module = %target, error = %error.report(), "a version cannot be removed");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    })?;
    if removed.files.is_empty() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("{what} is not stored here"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_escaped_or_as_they_are() {
        let name =
            |path: &str| target_of(path).map(|target| format!("{}@{}", target.path(), target.version()));
        assert_eq!(
            name("/a.example/!m/@v/v1.0.0.save").as_deref(),
            Some("a.example/M@v1.0.0")
        );
        assert_eq!(
            name("/a.example/m/@v/v2.0.0%2Bincompatible.delete").as_deref(),
            Some("a.example/m@v2.0.0+incompatible")
        );
        assert_eq!(
            name("/a.example/m/@v/v1.0.0-RC1.save").as_deref(),
            Some("a.example/m@v1.0.0-RC1")
        );
        assert_eq!(
            name("/a.example/m/@v/v1.0.0-!r!c1.save").as_deref(),
            Some("a.example/m@v1.0.0-RC1")
        );
        for bad in [
            "/a.example/M/@v/v1.0.0.save",
            "/@v/v1.0.0.save",
            "/a.example/m/@v/.save",
            "/a.example/../m/@v/v1.0.0.save",
        ] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_is_a_bearer_or_a_password() {
        let guard = TokenGuard("correct-horse-battery".parse().expect("a token"));
        let status = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(
                    header::AUTHORIZATION,
                    HeaderValue::from_str(value).expect("a value"),
                );
            }
            let checked = guard.check(None, &Uri::from_static("/"), &headers);
            checked.map_or_else(|problem| problem.status.as_u16(), |()| 200)
        };
        let basic = |login: &str| format!("Basic {}", STANDARD.encode(login));
        assert_eq!(status(Some("Bearer correct-horse-battery")), 200);
        assert_eq!(status(Some(&basic("stoa:correct-horse-battery"))), 200);
        assert_eq!(status(Some(&basic(":correct-horse-battery"))), 200);
        for bad in [
            None,
            Some("Bearer x"),
            Some(&*basic("correct-horse-battery:x")),
            Some("Basic %"),
            Some("correct-horse-battery"),
        ] {
            assert_eq!(status(bad), 401, "{bad:?}");
        }
    }
}
