//! What is for operators.

use std::sync::Arc;

use stoa_server::{AdminGuard, Guard, Mount, OpenGuard, api_mount, lanes_mount, metrics_mount};
use stoa_telemetry::Registry;

use super::{Core, Part, VERSION};
use crate::{
    admin_token::{self, SETTING},
    command_error::CommandError,
    config::Config,
};

/// `/api/v1`, version and lanes, behind the admin token, and `/metrics`, unless everybody may see it.
#[derive(Debug)]
struct Administration {
    guard: Arc<dyn Guard>,
    metrics_guard: Arc<dyn Guard>,
    dispatcher: stoa_dispatch::Pool,
    registry: Registry,
}

/// Reads the token, or makes one.
pub(super) fn build(config: &Config, core: &Core) -> Result<Arc<dyn Part>, CommandError> {
    let (token, file) = admin_token::of_server(config)?;
    tracing::info!(file = %file.display(), "the admin token is in this file");
    let guard: Arc<dyn Guard> = Arc::new(AdminGuard::new(token, SETTING));
    Ok(Arc::new(Administration {
        metrics_guard: if config.metrics.public {
            Arc::new(OpenGuard)
        } else {
            Arc::clone(&guard)
        },
        guard,
        dispatcher: core.dispatcher.clone(),
        registry: core.registry.clone(),
    }))
}

impl Part for Administration {
    fn name(&self) -> &'static str {
        "administration"
    }

    fn mounts(&self) -> Vec<Mount> {
        vec![
            lanes_mount(self.dispatcher.clone(), Arc::clone(&self.guard)),
            api_mount(VERSION, Arc::clone(&self.guard)),
            metrics_mount(self.registry.clone(), Arc::clone(&self.metrics_guard)),
        ]
    }
}
