//! The API for operators.

use std::sync::Arc;

use stoa_server::{AdminGuard, AdminToken, Guard, Mount, api_mount, lanes_mount};

use super::{Core, Part, VERSION};
use crate::{command_error::CommandError, config::Config};

/// `/api/v1`: version and lanes, behind the admin token.
#[derive(Debug)]
struct Administration {
    guard: Arc<dyn Guard>,
    dispatcher: stoa_dispatch::Pool,
}

/// Reads the token, if a file for one is configured.
pub(super) fn build(config: &Config, core: &Core) -> Result<Arc<dyn Part>, CommandError> {
    let token = config
        .admin
        .token_file
        .as_deref()
        .map(AdminToken::read)
        .transpose();
    let setting = "admin.token_file";
    let token = token.map_err(|error| config.fault(setting, error))?;
    Ok(Arc::new(Administration {
        guard: Arc::new(AdminGuard::new(token, setting)),
        dispatcher: core.dispatcher.clone(),
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
        ]
    }
}
