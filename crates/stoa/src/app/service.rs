//! The pages of the service itself.

use std::sync::Arc;

use stoa_server::{Mount, ServicePages};

use super::{Core, Part, VERSION};
use crate::{command_error::CommandError, config::Config};

/// `/`, `/healthz`, `/readyz`, `/version` and `/robots.txt`.
#[derive(Debug)]
struct Service {
    pages: ServicePages,
}

/// Needs no section of its own.
#[expect(clippy::unnecessary_wraps, reason = "all parts are built alike")]
pub(super) fn build(config: &Config, core: &Core) -> Result<Arc<dyn Part>, CommandError> {
    Ok(Arc::new(Service {
        pages: ServicePages {
            readiness: Arc::clone(&core.readiness),
            prefix: config.edge.prefix.clone(),
            secure: config.tls.files.is_some(),
            version: VERSION,
        },
    }))
}

impl Part for Service {
    fn name(&self) -> &'static str {
        "service"
    }

    fn mounts(&self) -> Vec<Mount> {
        vec![self.pages.clone().mount()]
    }
}
