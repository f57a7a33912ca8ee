//! Code that was handed in may panic. The panic becomes an error of its task and harms nothing else.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures_util::FutureExt;

use crate::{DispatchError, LaneKey, Stage};

/// Runs a future that was handed in.
pub(crate) async fn guarded<T>(
    lane: &LaneKey,
    stage: Stage,
    code: impl Future<Output = T>,
) -> Result<T, DispatchError> {
    let ran = AssertUnwindSafe(code).catch_unwind().await;
    ran.map_err(|payload| panicked(lane, stage, payload.as_ref()))
}

/// Calls a function that was handed in.
pub(crate) fn guarded_call<T>(
    lane: &LaneKey,
    stage: Stage,
    code: impl FnOnce() -> T,
) -> Result<T, DispatchError> {
    let ran = catch_unwind(AssertUnwindSafe(code));
    ran.map_err(|payload| panicked(lane, stage, payload.as_ref()))
}

fn panicked(lane: &LaneKey, stage: Stage, payload: &(dyn Any + Send)) -> DispatchError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    DispatchError::Panicked {
        lane: lane.clone(),
        stage,
        message: message.unwrap_or_else(|| "no message".to_owned()),
    }
}
