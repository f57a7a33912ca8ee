//! What docks to the application.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_server::Mount;

use super::{core::Core, role::Role};
use crate::{command_error::CommandError, config::Config};

/// A part of the application: it is built from its section of the configuration on the [`Core`], registers what it counts
/// there, answers at its mounts, and ends when the application ends.
#[async_trait]
pub(crate) trait Part: fmt::Debug + Send + Sync {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// Where it answers. Asked once, before anything is served.
    fn mounts(&self) -> Vec<Mount>;

    /// Looks whether what it needs can be used. Called once, in the order of the parts, before anything is served.
    ///
    /// # Errors
    /// When the server should not start, for a person has to change something first.
    async fn start(&self, _config: &Config) -> Result<(), CommandError> {
        Ok(())
    }

    /// Tells others that it is there. Called once, when requests are answered; it may go on for as long as it takes, and
    /// ends with the server.
    ///
    /// # Errors
    /// When the server should stop, for a person has to change something first.
    async fn enter(&self, _role: Role) -> Result<(), CommandError> {
        Ok(())
    }

    /// Takes no more work: it leaves registries and queues. Requests are still answered meanwhile.
    async fn leave(&self) {}

    /// Finishes what it has begun. Called when no request is open any more; whatever is not finished in the time for
    /// draining is dropped.
    async fn end(&self) {}
}

/// Builds a part, or says why the configuration does not allow it.
pub(crate) type BuildPart<'a> = &'a (dyn Fn(&Config, &Core) -> Result<Arc<dyn Part>, CommandError> + Sync);
