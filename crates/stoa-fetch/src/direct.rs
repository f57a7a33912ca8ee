//! The two words of a GOPROXY list that are no server.

use std::fmt;

use async_trait::async_trait;

use crate::{FetchError, Fetched, Fetcher, Resource};

/// `off`: nobody is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off;

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("off")
    }
}

#[async_trait]
impl Fetcher for Off {
    async fn fetch(&self, resource: &Resource) -> Result<Fetched, FetchError> {
        let reason = format!(
            "module lookup of {} is disabled: its upstream list says off",
            resource.module()
        );
        Err(FetchError::Refused { reason })
    }
}

/// `direct`: the module's own repository. Repositories are not read by this version, which is said, not hidden.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("direct")
    }
}

#[async_trait]
impl Fetcher for Direct {
    async fn fetch(&self, resource: &Resource) -> Result<Fetched, FetchError> {
        let reason = format!(
            "{}: fetching from repositories is not built yet; take \"direct\" out of the upstream list",
            resource.module()
        );
        Err(FetchError::Unsupported { reason })
    }
}
