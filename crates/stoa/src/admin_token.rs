//! Where the admin token is: in the file that the configuration names, else in one that the first server makes.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use http::HeaderValue;
use sha2::{Digest, Sha256};
use stoa_server::{AdminToken, AdminTokenError};

use crate::{command_error::CommandError, config::Config};

/// The setting that names the file.
pub(crate) const SETTING: &str = "admin.token_file";

/// The name of a file that is made.
const NAME: &str = "admin-token";

/// The token that a server asks for, and the file that it is in.
///
/// Without a file that the configuration names, it is in the storage's own directory, so that all servers of a storage
/// have one. Where the storage is no directory, or that cannot be written, it is in the user's run-time directory. The
/// storage has to be open.
pub(crate) fn of_server(config: &Config) -> Result<(AdminToken, PathBuf), CommandError> {
    if let Some(file) = &config.admin.token_file {
        let token = AdminToken::read(file).map_err(|error| config.fault(SETTING, error))?;
        return Ok((token, file.clone()));
    }
    if let Some(file) = in_storage(config) {
        match AdminToken::read_or_make(&file) {
            Ok(token) => return Ok((token, file)),
            Err(error) if is_unwritable(&error) => {}
            Err(error) => return Err(CommandError::new(error)),
        }
    }
    let file = in_runtime(config);
    make_private(&config.admin.runtime_directory).map_err(|error| {
        CommandError::new(format!(
            "no admin token can be made: {error}; name its file with {SETTING}"
        ))
    })?;
    let token = AdminToken::read_or_make(&file).map_err(CommandError::new)?;
    Ok((token, file))
}

/// What a client of the server that this configuration starts presents; `None` if no server has made a token.
pub(crate) fn of_client(config: &Config) -> Result<Option<HeaderValue>, CommandError> {
    for file in in_storage(config).into_iter().chain([in_runtime(config)]) {
        match AdminToken::authorization_made(&file) {
            Ok(value) => return Ok(Some(value)),
            Err(AdminTokenError::File { source, .. }) if is_absent(&source) => {}
            Err(error) => {
                return Err(CommandError::new(format!(
                    "{error}: run it as the user of the server, or name a file with --token-file"
                )));
            }
        }
    }
    Ok(None)
}

/// The file that a server of this configuration has made.
pub(crate) fn made(config: &Config) -> Option<PathBuf> {
    let places = in_storage(config).into_iter().chain([in_runtime(config)]);
    let mut places = places.filter(|_| config.admin.token_file.is_none());
    places.find(|file| file.try_exists().unwrap_or(false))
}

fn in_storage(config: &Config) -> Option<PathBuf> {
    let own = config.storage.own.clone();
    own.map(|directory| directory.join(NAME))
}

fn in_runtime(config: &Config) -> PathBuf {
    // What is made for one storage is shown to no server of another.
    let name = match in_storage(config) {
        None => NAME.to_owned(),
        Some(file) => {
            let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
            format!("{NAME}-{:016x}", u64::from_be_bytes(first(&digest)))
        }
    };
    config.admin.runtime_directory.join(name)
}

fn first(digest: &[u8]) -> [u8; 8] {
    digest.first_chunk().copied().unwrap_or_default()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether the place of the token is one where nothing can be put, rather than one with a bad file.
fn is_unwritable(error: &AdminTokenError) -> bool {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull, Unsupported};
    let kinds = [
        PermissionDenied,
        QuotaExceeded,
        ReadOnlyFilesystem,
        StorageFull,
        Unsupported,
    ];
    matches!(error, AdminTokenError::File { source, .. }
        if is_absent(source) || kinds.contains(&source.kind()))
}

/// Makes a directory of this user alone. What another user has put there is not trusted.
fn make_private(directory: &Path) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", directory.display());
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.map_err(|error| failed(&error)),
    }
    let metadata = fs::symlink_metadata(directory).map_err(|error| failed(&error))?;
    let others = metadata.mode() & 0o077;
    let is_ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw() && others == 0;
    if is_ours {
        Ok(())
    } else {
        Err(failed(&"it is no directory of this user alone"))
    }
}
