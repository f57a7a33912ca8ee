//! `/api/v1/refresh`: somebody says that there is something new.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde::{Deserialize, Serialize};
use stoa_module::PatternList;
use stoa_proxy::Refreshes;

use super::json::Json;
use crate::problem::Problem;

/// The longest list of modules, in bytes.
const LONGEST: usize = 4096;

/// The route, whole.
pub(super) fn routes(path: &str) -> Router<Arc<Refreshes>> {
    Router::new().route(path, post(refresh))
}

/// Of which modules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A module path, which stands for what is below it too, or patterns as `vcs.private` has them.
    module: String,
}

#[derive(Debug, Serialize)]
struct Refreshed {
    refreshed: Vec<String>,
}

async fn refresh(
    State(refreshes): State<Arc<Refreshes>>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Refreshed>, Problem> {
    let modules = modules(&wanted.module).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))?;
    tracing::info!(%modules, "an operator says that there is something new");
    let refreshed = modules.globs().map(str::to_owned).collect();
    refreshes.modules(modules);
    Ok(Json(Refreshed { refreshed }))
}

fn modules(text: &str) -> Result<PatternList, String> {
    if text.len() > LONGEST {
        return Err(format!("module: more than {LONGEST} bytes"));
    }
    let modules: PatternList = text.parse().map_err(|error| format!("module: {error}"))?;
    if modules.is_empty() {
        return Err("module: name a module path, or patterns such as corp.example/*".to_owned());
    }
    Ok(modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_paths_or_patterns() {
        for text in ["corp.example/tool", "corp.example/*,git.example/team"] {
            assert_eq!(modules(text).expect(text).to_string(), text);
        }
        for (text, want) in [
            ("", "name a module path"),
            ("https://corp.example/tool", "it is a URL"),
            (&"a".repeat(5000), "more than 4096 bytes"),
        ] {
            let error = modules(text).expect_err(want);
            assert!(error.contains(want), "{error}");
        }
    }
}
