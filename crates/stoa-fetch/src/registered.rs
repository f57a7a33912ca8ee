//! The servers of a service as a source.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    BaseUrl, FetchError, Fetched, Fetcher, HttpClient, Question, Services, ServicesSlot, SourceName, Upstream,
};

/// How many servers are remembered as they are asked.
const MOST: usize = 256;

/// Asks the GOPROXY servers that a registry has under one name: one after the other, until one of them is sure. A server
/// that cannot be reached, or fails, is no reason to fail as long as there is another one.
pub struct Registered {
    service: String,
    services: ServicesSlot,
    client: HttpClient,
    known: Mutex<HashMap<String, Arc<Upstream>>>,
}

impl Registered {
    /// The servers of `service`, as the services of `client` have them.
    pub fn new(service: String, client: HttpClient) -> Self {
        Self {
            service,
            services: client.services().clone(),
            client,
            known: Mutex::default(),
        }
    }

    fn upstream(&self, base: &BaseUrl) -> Arc<Upstream> {
        let mut known = self.known.lock();
        if known.len() >= MOST {
            known.clear();
        }
        let name = base.name().as_str().to_owned();
        let make = || Arc::new(Upstream::new(base.clone(), self.client.clone()));
        Arc::clone(known.entry(name).or_insert_with(make))
    }
}

/// Nobody of a service can be asked.
pub fn no_server(service: &str, reason: String) -> FetchError {
    FetchError::Unreachable {
        source_name: SourceName::new(format!("the service {service}")),
        cause: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(reason)),
    }
}

/// Whether another server of the same service may do better.
pub fn may_another(error: &FetchError) -> bool {
    match error {
        FetchError::Unreachable { .. }
        | FetchError::Broken { .. }
        | FetchError::Unreadable { .. }
        | FetchError::Timeout { .. }
        | FetchError::Overloaded { .. } => true,
        FetchError::Status { reply, .. } => reply.status >= 500 || reply.status == 429,
        _ => false,
    }
}

impl fmt::Display for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registered({})", self.service)
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registered({})", self.service)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Fetcher for Registered {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let key = question.resource.module().as_str();
        let servers = self.services.servers(&self.service, key);
        let servers = servers.map_err(|reason| no_server(&self.service, reason))?;
        let mut last = None;
        for base in &servers {
            match self.upstream(base).fetch(question).await {
                Err(error) if may_another(&error) => {
                    tracing::info!(service = %self.service, server = %base.name(), %error, "another server of the service is asked");
                    last = Some(error);
                }
                answer => return answer,
            }
        }
        Err(last.unwrap_or_else(|| no_server(&self.service, "no server of it is registered".to_owned())))
    }
}
