//! A pool as a tower service.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{DispatchError, LaneKeyError, Pool, Request, Response, Task};

/// Ready requests, called.
impl tower_service::Service<Request> for Pool {
    type Response = Response;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, CallError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let pool = self.clone();
        Box::pin(async move { Ok(Self::call(&pool, Task::ready(request)?).await?) })
    }
}

/// Why a tower call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The request names no server.
    #[error(transparent)]
    Lane(#[from] LaneKeyError),
    /// It was not answered.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
}
