//! What is for operators.

use std::sync::Arc;

use stoa_proxy::Refreshes;
use stoa_server::{
    AdminGuard, Guard, Mount, OpenGuard, WebhookSecret, api_mount, lanes_mount, metrics_mount, refresh_mount,
    webhook_mount,
};
use stoa_telemetry::Registry;

use super::{Core, Part, VERSION};
use crate::{
    admin_token::{self, SETTING},
    command_error::CommandError,
    config::Config,
};

/// `/api/v1`, version, lanes and refresh, behind the admin token; webhooks, for who knows their secret; and `/metrics`,
/// unless everybody may see it.
#[derive(Debug)]
struct Administration {
    guard: Arc<dyn Guard>,
    metrics_guard: Arc<dyn Guard>,
    dispatcher: stoa_dispatch::Pool,
    registry: Registry,
    refreshes: Arc<Refreshes>,
    webhook_secret: Option<WebhookSecret>,
}

/// Reads the token, or makes one, and the secret of webhooks.
pub(super) fn build(config: &Config, core: &Core) -> Result<Arc<dyn Part>, CommandError> {
    let (token, file) = admin_token::of_server(config)?;
    tracing::info!(file = %file.display(), "the admin token is in this file");
    let guard: Arc<dyn Guard> = Arc::new(AdminGuard::new(token, SETTING));
    let webhook_secret = config.webhook.secret_file.as_ref().map(|file| {
        WebhookSecret::read(file).map_err(|error| {
            CommandError::new(config.fault("webhook.secret_file", format!("{}: {error}", file.display())))
        })
    });
    Ok(Arc::new(Administration {
        metrics_guard: if config.metrics.public {
            Arc::new(OpenGuard)
        } else {
            Arc::clone(&guard)
        },
        guard,
        dispatcher: core.dispatcher.clone(),
        registry: core.registry.clone(),
        refreshes: Arc::clone(&core.refreshes),
        webhook_secret: webhook_secret.transpose()?,
    }))
}

impl Part for Administration {
    fn name(&self) -> &'static str {
        "administration"
    }

    fn mounts(&self) -> Vec<Mount> {
        vec![
            webhook_mount(Arc::clone(&self.refreshes), self.webhook_secret.clone()),
            refresh_mount(Arc::clone(&self.refreshes), Arc::clone(&self.guard)),
            lanes_mount(self.dispatcher.clone(), Arc::clone(&self.guard)),
            api_mount(VERSION, Arc::clone(&self.guard)),
            metrics_mount(self.registry.clone(), Arc::clone(&self.metrics_guard)),
        ]
    }
}
