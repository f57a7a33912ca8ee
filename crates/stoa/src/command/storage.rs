//! `stoa storage`.

mod changes;
mod listing;
mod size;

use super::admin_client::AdminClient;
use crate::{
    cli::{ServerCommon, StorageCommand},
    command_error::CommandError,
    config::Config,
    setup::runtime,
};

pub(super) fn run(
    config: &Config,
    server: &ServerCommon,
    command: StorageCommand,
) -> Result<(), CommandError> {
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        match command {
            StorageCommand::Ls { prefix, json } => listing::list(&client, &prefix, json).await,
            StorageCommand::Du { prefix, top, json } => listing::usage(&client, &prefix, top, json).await,
            StorageCommand::Gc { dry_run, json } => changes::gc(&client, dry_run, json).await,
            StorageCommand::Rm {
                versions,
                reason,
                json,
            } => changes::remove(&client, &versions, &reason, json).await,
            StorageCommand::Reindex { detach, json } => changes::reindex(&client, detach, json).await,
        }
    })
}
