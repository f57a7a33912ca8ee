//! `stoa config`.

use std::io::{self, Write};

use crate::{cli::ConfigCommand, command_error::CommandError, config, setup::configured};

pub(super) fn run(command: ConfigCommand) -> Result<(), CommandError> {
    let text = match command {
        ConfigCommand::Init => config::sample(),
        ConfigCommand::Show { common } => config::show(&configured(common, None)?),
        ConfigCommand::Check { common } => {
            configured(common, None)?;
            "the configuration is good\n".to_owned()
        }
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}
