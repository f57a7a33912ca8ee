//! What commands begin with: configuration, runtime, storage.

use std::{io::Write, os::unix::fs::MetadataExt};

use stoa_server::{AdminToken, TlsFiles};
use stoa_vcs::Credential;

use crate::{
    admin_token::{SETTING, made},
    app::check_upkeep,
    cli::Common,
    command_error::{CommandError, USAGE},
    config::{Config, Translated, load},
    terminal::stderr,
};

/// The configuration of a command, its warnings said.
pub(crate) fn configured(common: Common, listen: Option<String>) -> Result<Config, CommandError> {
    let translated = common
        .downloader_config
        .as_deref()
        .map(Translated::read)
        .transpose();
    let translated = translated
        .map_err(|text| CommandError { text, code: USAGE })?
        .unwrap_or_default();
    let mut given = common.given(listen);
    given.flags.extend(translated.values);
    let config = load(&given)?;
    let mut stderr = stderr();
    for note in &translated.notes {
        let _closed = writeln!(stderr, "stoa: {note}");
    }
    for warning in &config.record.warnings {
        let _closed = writeln!(stderr, "stoa: warning: {warning}");
    }
    Ok(config)
}

/// Blocking threads that are left for reading stored files while every fetch is busy.
const READERS: usize = 32;

/// Events that a worker takes from the kernel when it has nothing to do. Its queue has 256 places, and what finds none goes
/// to a second queue that is looked at rarely: with a thousand clients, some waited for fifteen turns of the others. What a
/// worker does not take stays with the kernel, which hands events out in the order in which they came (ADR 0023).
const EVENTS: usize = 32;
/// Events that it takes while it has something to do, which it looks for every 61 tasks. One event may then wake seven
/// tasks, and the queue still gets shorter.
const EVENTS_WHEN_BUSY: usize = 8;

/// The runtime of a command.
pub(crate) fn runtime(config: &Config) -> Result<tokio::runtime::Runtime, CommandError> {
    // A fetch writes and checks at the same time, on two blocking threads. With these counted, a read of a stored file
    // never queues behind fetches.
    let blocking = 2 * config.pool.fetches + READERS;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_io_events_per_tick(EVENTS)
        .max_io_events_per_busy_tick(EVENTS_WHEN_BUSY)
        .max_blocking_threads(blocking)
        .build();
    runtime.map_err(|error| CommandError::new(format!("cannot start: {error}")))
}

/// Reads what `serve` would read when it starts: certificates, the admin token, the directory of the storage. All faults
/// at once. Creates and changes nothing.
pub(crate) fn check(config: &Config) -> Result<(), CommandError> {
    let tls = config.tls.files.as_ref().map(TlsFiles::read).transpose();
    let tls = tls.map_err(|error| config.fault("tls.cert", error));
    let token = config
        .admin
        .token_file
        .as_deref()
        .map(AdminToken::read)
        .transpose();
    let token = token.map_err(|error| config.fault(SETTING, error));
    let made = made(config)
        .map(|file| AdminToken::authorization_made(&file))
        .transpose();
    let made = made.map_err(|error| config.fault(SETTING, format!("the one that was made: {error}")));
    let keys = config
        .vcs
        .credentials
        .rules
        .iter()
        .filter_map(|rule| unreadable(&rule.credential));
    let keys: Vec<_> = keys.map(|fault| config.fault("credential", fault)).collect();
    let options = &config.storage.options;
    let secrets = [
        ("storage_options.secret_key_file", &options.secret_key_file),
        ("storage_options.credentials_file", &options.credentials_file),
    ];
    let secrets = secrets.into_iter().filter_map(|(key, file)| {
        let file = file.as_deref()?;
        let error = std::fs::File::open(file).err()?;
        Some(config.fault(key, format!("{}: {error}", file.display())))
    });
    let secrets: Vec<_> = secrets.collect();
    let storage = config
        .storage
        .url
        .check()
        .map_err(|error| config.fault("storage", error.report()));
    let upkeep = check_upkeep(config);
    let faults = [tls.err(), token.err(), made.err(), storage.err(), upkeep.err()];
    let faults: Vec<_> = faults
        .into_iter()
        .flatten()
        .chain(keys)
        .chain(secrets)
        .map(|fault| fault.to_string())
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(CommandError {
        text: faults.join("\n"),
        code: USAGE,
    })
}

/// The file of a credential for ssh that cannot be read.
fn unreadable(credential: &Credential) -> Option<String> {
    let (key, hosts) = match credential {
        Credential::SshKey { key, known_hosts } => (Some(("ssh_key", key)), known_hosts),
        Credential::SshAgent { known_hosts, .. } => (None, known_hosts),
        Credential::Basic { .. } | Credential::Bearer { .. } => return None,
    };
    let mut files = key.into_iter().chain([("known_hosts", hosts)]);
    files.find_map(|(name, file)| {
        let error = std::fs::File::open(file).err()?;
        Some(format!("{name}: {}: {error}", file.display()))
    })
}

/// Says so if others may read more of the storage than its mode allows: what exists keeps its own.
pub(crate) fn warn_of_readers(config: &Config) {
    let (mode, root) = (config.storage.mode, config.storage.url.directory());
    let Some(root) = root else { return };
    let permissions = root.metadata().map_or(0, |metadata| metadata.mode());
    if mode.is_exceeded_by(permissions) {
        tracing::warn!(
            directory = %root.display(),
            permissions = format_args!("{:o}", permissions & 0o777),
            "others may look into the storage, against storage_mode = \"{mode}\"; what is stored keeps its permissions: \
             take them away with chmod -R, or set storage_mode"
        );
    }
}
