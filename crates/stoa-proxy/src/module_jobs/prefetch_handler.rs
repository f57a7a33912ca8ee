//! Brings in everything that a file asks for.

use async_trait::async_trait;
use serde_json::json;
use stoa_jobs::{Failure, Handler, NewJob, Outcome, Run};

use super::PrefetchSpec;

/// How many children are made at a time. Those of the next part are made when these have ended.
const PART: usize = 1_000;

/// Runs jobs of kind [`PREFETCH`](super::PREFETCH): each makes a job of kind [`MODULE`](super::MODULE) for every version, and is
/// done when all of these are.
#[derive(Clone, Copy, Debug)]
pub struct PrefetchHandler;

#[async_trait]
impl Handler for PrefetchHandler {
    async fn run(&self, run: &Run) -> Outcome {
        let job = run.job();
        let spec: PrefetchSpec = match serde_json::from_value(job.payload.clone()) {
            Ok(spec) => spec,
            Err(error) => return Outcome::Dead(Failure::new("payload", &error.to_string())),
        };
        let made = job
            .checkpoint
            .as_u64()
            .and_then(|made| usize::try_from(made).ok())
            .unwrap_or(0);
        let part = spec.modules.get(made..).unwrap_or_default();
        let part = &part[..part.len().min(PART)];
        if !part.is_empty() {
            let priority = job.priority;
            let children = part
                .iter()
                .map(|module| NewJob {
                    priority,
                    ..module.job()
                })
                .collect();
            return Outcome::Spawn {
                children,
                checkpoint: json!(made + part.len()),
            };
        }
        let (ok, failed) = (job.children.ok, job.children.failed);
        if failed == 0 {
            return Outcome::Ok(json!({ "modules": ok }));
        }
        let text = format!(
            "{failed} of {} module{} could not be brought in; its children say why",
            ok + failed,
            if ok + failed == 1 { "" } else { "s" }
        );
        Outcome::Dead(Failure::new("children", &text))
    }
}
