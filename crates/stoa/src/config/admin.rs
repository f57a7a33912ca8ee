//! `[admin]`.

use std::path::{Path, PathBuf};

use stoa_config::{Key, Reader, Section, Table, Variables, values::path};

use super::private_file::private_file;

const TOKEN_FILE: Key = Key::new(
    "token_file",
    "",
    "file with the token that /api/v1 and /metrics ask for; default: one that the first start makes",
);

const ADMIN: Table = Table::once("admin", &[TOKEN_FILE]);

/// The guard of `/api/v1` and `/metrics`.
#[derive(Clone, Debug)]
pub(crate) struct AdminConfig {
    /// The file with the admin token, read when the server starts.
    pub(crate) token_file: Option<PathBuf>,
    /// The directory of a token that is made, where the storage has none.
    pub(crate) runtime_directory: PathBuf,
}

impl Section for AdminConfig {
    const TABLES: &'static [Table] = &[ADMIN];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let runtime_directory = runtime_directory(&reader.given().variables);
        let token_file = reader.once(&ADMIN).value(&TOKEN_FILE, |text| {
            let file = path(text).map_err(|error| error.to_string())?;
            file.as_deref().map_or(Ok(()), private_file)?;
            Ok::<_, String>(file)
        });
        Some(Self {
            token_file: token_file?,
            runtime_directory,
        })
    }
}

/// Where what belongs to this user and boot is kept: the user's run-time directory, else one of the user's own among the
/// temporary files.
fn runtime_directory(variables: &Variables) -> PathBuf {
    let absolute = |name: &str| {
        variables
            .get(name)
            .map(Path::new)
            .filter(|path| path.is_absolute())
    };
    if let Some(directory) = absolute("XDG_RUNTIME_DIR") {
        return directory.join("stoa");
    }
    let user = rustix::process::geteuid().as_raw();
    let temporary = absolute("TMPDIR").unwrap_or(Path::new("/tmp"));
    temporary.join(format!("stoa-{user}"))
}
