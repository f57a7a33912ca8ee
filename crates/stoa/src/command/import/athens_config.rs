//! `stoa import athens-config`.

mod keys;
mod output;
mod settings;
mod storages;
mod translation;
mod without;

use std::{collections::BTreeMap, fs, io::Write, os::unix::fs::OpenOptionsExt as _, path::Path};

use self::{settings::Settings, translation::translate};
use crate::{
    command_error::{CommandError, USAGE},
    terminal::{stderr, stdout},
};

/// Writes the stoa.toml that means what a configuration of Athens means, to `output` or standard output, and says on standard
/// error what became of each of its keys.
pub(in super::super) fn run(file: Option<&Path>, output: Option<&Path>) -> Result<(), CommandError> {
    let usage = |text: String| CommandError { text, code: USAGE };
    let text = file.map(|file| {
        let read = fs::read_to_string(file);
        read.map_err(|error| CommandError::new(format!("{}: {error}", file.display())))
    });
    let text = text.transpose()?.unwrap_or_default();
    // Read here and nowhere else: it is what Athens would be started with.
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = Settings::read(&text, &variables).map_err(|error| {
        usage(match file {
            Some(file) => format!("{}: {error}", file.display()),
            None => error,
        })
    })?;
    let translated = translate(&settings);
    for note in &translated.notes {
        writeln!(stderr(), "{note}")?;
    }
    let toml = translated.toml();
    let Some(output) = output else {
        return Ok(write!(stdout(), "{toml}")?);
    };
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(output);
    made.and_then(|mut made| made.write_all(toml.as_bytes()))
        .map_err(|error| CommandError::new(format!("{}: {error}", output.display())))
}
