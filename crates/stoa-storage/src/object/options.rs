//! How a bucket is reached.

use std::path::PathBuf;

use super::conditions::Conditional;

/// How a bucket is reached, and where files wait on their way to it.
///
/// What is `None` comes from `environment`, by the usual names of each provider (`AWS_...`, `GOOGLE_...`, `AZURE_...`),
/// and where that says nothing, from the machine: the instance's own credentials.
#[derive(Clone, Debug, Default)]
pub struct ObjectOptions {
    /// The service, where it is not the provider's own: `https://minio.example:9000`.
    pub endpoint: Option<String>,
    /// The region of the bucket (S3).
    pub region: Option<String>,
    /// Whether the bucket is the first element of the path, and not a part of the host (S3). Without this it is where an
    /// endpoint is given, since most services of one's own have no names for buckets.
    pub path_style: Option<bool>,
    /// Whether the endpoint may be asked without TLS.
    pub allow_http: bool,
    /// The access key (S3), or the name of the account (Azure).
    pub access_key_id: Option<String>,
    /// A file with the secret of that key, or the key of that account.
    pub secret_key_file: Option<PathBuf>,
    /// A file of credentials: `~/.aws/credentials` (S3), the key of a service account in JSON (Google), a shared access
    /// signature (Azure).
    pub credentials_file: Option<PathBuf>,
    /// The profile in that file (S3).
    pub profile: Option<String>,
    /// What else is known of the environment: names and values.
    pub environment: Vec<(String, String)>,
    /// Whether writes may rely on conditions.
    pub conditional: Conditional,
    /// A directory for files on their way. It is made if need be.
    pub staging: PathBuf,
}
