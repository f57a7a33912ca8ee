//! An origin in the process: a transport that answers from a script.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::download::{Request, Response, Transport, TransportError, TransportFault};

/// A part of a body.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// These bytes come.
    Send(Bytes),
    /// A part without bytes comes.
    SendNothing,
    /// Nothing comes for this time.
    Wait(Duration),
    /// Nothing comes until the test says so.
    Until(Arc<Notify>),
    /// The steps from here on are repeated for ever.
    Repeat(Vec<Step>),
    /// The body breaks off.
    Break(TransportFault),
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: HeaderMap,
    steps: Vec<Step>,
}

impl Reply {
    /// An answer of this status without a body.
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            steps: Vec::new(),
        }
    }

    /// 200 with this content and its length.
    pub(crate) fn ok(content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let length = content.len().to_string();
        Self::new(200)
            .header("content-length", &length)
            .step(Step::Send(content))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a name");
        self.headers
            .insert(name, HeaderValue::from_str(value).expect("a value"));
        self
    }

    pub(crate) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

type Script = Box<dyn FnMut(usize, &Request) -> Result<Reply, TransportError> + Send>;

/// An origin that answers from a script, and remembers what it was asked.
#[derive(Clone)]
pub(crate) struct Origin {
    script: Arc<Mutex<Script>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Origin {
    /// Answers by what the script says to the number of the request, from 0, and the request.
    pub(crate) fn new(
        script: impl FnMut(usize, &Request) -> Result<Reply, TransportError> + Send + 'static,
    ) -> Self {
        Self {
            script: Arc::new(Mutex::new(Box::new(script))),
            requests: Arc::default(),
        }
    }

    /// Gives this answer to all.
    pub(crate) fn of(reply: Reply) -> Self {
        Self::new(move |_, _| Ok(reply.clone()))
    }

    /// What it was asked.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

#[async_trait]
impl Transport for Origin {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let number = self.requests.lock().len();
        self.requests.lock().push(request.clone());
        let reply = (self.script.lock())(number, &request)?;
        let body = stream::unfold(VecDeque::from(reply.steps), |mut steps| async move {
            loop {
                match steps.pop_front()? {
                    Step::Send(bytes) => return Some((Ok(bytes), steps)),
                    Step::SendNothing => return Some((Ok(Bytes::new()), steps)),
                    Step::Wait(time) => tokio::time::sleep(time).await,
                    Step::Until(told) => told.notified().await,
                    Step::Repeat(repeated) => {
                        steps = repeated.iter().cloned().collect();
                        steps.push_back(Step::Repeat(repeated));
                    }
                    Step::Break(fault) => return Some((Err(error(fault)), VecDeque::new())),
                }
            }
        });
        Ok(Response {
            status: StatusCode::from_u16(reply.status).expect("a status"),
            headers: reply.headers,
            url: request.url,
            remote: Some(([192, 0, 2, 1], 443).into()),
            body: body.boxed(),
        })
    }
}

/// A failure of this sort.
pub(crate) fn error(fault: TransportFault) -> TransportError {
    let text = format!("{fault:?} happened");
    TransportError::new(fault, text)
}
