//! A checksum database whose servers a registry names.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_fetch::{Context, FetchError, HttpClient, Services, SmallFiles, may_another, no_server};
use stoa_sumdb::RemotePath;

use super::SumFiles;

/// Reads a database from the servers that a registry has under one name, one after the other until one of them answers.
#[derive(Debug)]
pub struct RegisteredFiles {
    service: String,
    client: HttpClient,
    patience: Duration,
}

impl RegisteredFiles {
    /// The servers of `service`, as the services of `client` have them. One read of one server may take `patience`.
    pub fn new(service: String, client: HttpClient, patience: Duration) -> Self {
        Self {
            service,
            client,
            patience,
        }
    }
}

impl fmt::Display for RegisteredFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registered({})", self.service)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SumFiles for RegisteredFiles {
    async fn read(&self, path: &RemotePath, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        let servers = self.client.services().servers(&self.service, &path.to_string());
        let servers = servers.map_err(|reason| no_server(&self.service, reason))?;
        let mut last = None;
        for base in servers {
            let files = SmallFiles::new(base, self.client.clone(), self.patience);
            match SumFiles::read(&files, path, limit, context).await {
                Err(error) if may_another(&error) => last = Some(error),
                answer => return answer,
            }
        }
        Err(last.unwrap_or_else(|| no_server(&self.service, "no server of it is registered".to_owned())))
    }
}
