//! `stoa storage`.

mod changes;
mod copy;
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
    if let StorageCommand::Copy {
        from,
        to,
        to_config,
        parallel,
        quiet,
        json,
    } = command
    {
        let given_from = from
            .map(|from| copy::place(&server.common, Some(from), None))
            .transpose()?;
        let from = given_from.as_ref().unwrap_or(config);
        let to = copy::place(&server.common, to, to_config)?;
        let shown = super::import::Shown { quiet, json };
        return copy::run(from, &to, parallel, shown);
    }
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        match command {
            // It is done without a server.
            StorageCommand::Copy { .. } => Ok(()),
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
