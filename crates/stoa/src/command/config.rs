//! `stoa config`.

use std::io::Write;

use crate::{
    app::check_cluster,
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
            let config = configured(common, None)?;
            // All faults at once.
            let faults = [check(&config), check_cluster(&config)];
            let faults: Vec<_> = faults.into_iter().filter_map(Result::err).collect();
            if let Some(code) = faults.first().map(|fault| fault.code) {
                let texts: Vec<_> = faults.into_iter().map(|fault| fault.text).collect();
                let text = texts.join("\n");
                return Err(CommandError { text, code });
            }
            "the configuration is good\n".to_owned()
        }
    };
    Ok(stdout().write_all(text.as_bytes())?)
}
