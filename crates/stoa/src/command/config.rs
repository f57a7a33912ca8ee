//! `stoa config`.

use std::io::Write;

use crate::{
    cli::ConfigCommand,
    command_error::CommandError,
    config,
    setup::{check, configured},
    terminal::stdout,
};

pub(super) fn run(command: ConfigCommand) -> Result<(), CommandError> {
    let text = match command {
        ConfigCommand::Init => config::sample(),
        ConfigCommand::Show { common } => config::show(&configured(common, None)?),
        ConfigCommand::Check { common } => {
            check(&configured(common, None)?)?;
            "the configuration is good\n".to_owned()
        }
    };
    Ok(stdout().write_all(text.as_bytes())?)
}
