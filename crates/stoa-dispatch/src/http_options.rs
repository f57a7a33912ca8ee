//! What connections are made with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{Authorities, Lookup, SystemLookup};

/// What connections are made with.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// `User-Agent` of requests that have none. With `None`, they are sent without one.
    pub user_agent: Option<String>,
    /// The longest time for connecting, name resolution and TLS included.
    pub connect_timeout: Duration,
    /// Idle connections are closed after it.
    pub idle_timeout: Duration,
    /// Connect to this unix socket, whatever the URI says.
    pub unix_socket: Option<PathBuf>,
    /// Finds the addresses of names.
    pub lookup: Arc<dyn Lookup>,
    /// The hosts of the operator's own proxies, which [`PublicOnly`](crate::PublicOnly) requests may be sent through wherever they are.
    pub proxy_hosts: Vec<String>,
    /// Certificate authorities that are believed beside the system's.
    pub authorities: Authorities,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            user_agent: None,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(90),
            unix_socket: None,
            lookup: Arc::new(SystemLookup),
            proxy_hosts: Vec::new(),
            authorities: Authorities::default(),
        }
    }
}
