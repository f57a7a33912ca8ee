//! Credentials in files.

use std::fs;
use std::path::Path;

use crate::error::StorageError;

/// The most bytes of a file with credentials.
const MAX: u64 = 64 << 10;

/// What a file holds, without the white space around it.
pub(super) fn read(file: &Path) -> Result<String, StorageError> {
    let failed = |error| StorageError::from_io("read the credentials in", file, error);
    let len = fs::metadata(file).map_err(failed)?.len();
    if len > MAX {
        return Err(StorageError::too_large(file, len, MAX));
    }
    let text = fs::read_to_string(file).map_err(failed)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(failed(std::io::Error::other("it is empty")));
    }
    Ok(text.to_owned())
}

/// A profile of `~/.aws/credentials`: names and values as the environment would have them.
pub(super) fn profile(file: &Path, name: &str) -> Result<Vec<(String, String)>, StorageError> {
    let text = read(file)?;
    let mut values = Vec::new();
    let mut is_in = false;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let header = header.trim();
            is_in = header.strip_prefix("profile ").map_or(header, str::trim) == name;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_in && !line.starts_with('#')) {
            values.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    if values.is_empty() {
        let error = std::io::Error::other(format!("it has no profile '{name}' with values"));
        return Err(StorageError::from_io("read the credentials in", file, error));
    }
    Ok(values)
}

/// The pairs of a shared access signature, which is the query of a URL.
pub(super) fn signature(text: &str) -> Vec<(String, String)> {
    let query = text.trim_start_matches('?');
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_profile_is_found_among_others() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(
            file,
            "[default]\naws_access_key_id = AKIA1\n# aws_session_token = no\naws_secret_access_key=s=1\n\n[profile two]\n\
             aws_access_key_id=AKIA2\n"
        )
        .unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            profile(file.path(), "default").unwrap(),
            [
                pair("aws_access_key_id", "AKIA1"),
                pair("aws_secret_access_key", "s=1")
            ]
        );
        assert_eq!(
            profile(file.path(), "two").unwrap(),
            [pair("aws_access_key_id", "AKIA2")]
        );
        let error = profile(file.path(), "three").unwrap_err();
        assert!(
            error.report().to_string().contains("no profile 'three'"),
            "{}",
            error.report()
        );
    }
}
