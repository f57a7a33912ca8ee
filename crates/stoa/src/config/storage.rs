//! `storage` and `[storage_options]`.

use std::path::PathBuf;

use stoa_config::{
    Key, Reader, Section, Table, Variables,
    values::{ByteSize, boolean, path},
};
use stoa_storage::{
    StorageMode, StorageUrl,
    object::{Conditional, ObjectOptions},
};

use super::values::without_secrets;

const URL: Key = Key::new(
    "storage",
    "",
    "where modules are kept: file:///DIR, a path, s3://BUCKET/PREFIX, gs://..., az://CONTAINER/..., mongodb://HOST/DATABASE, https://HOST/PATH of a server that speaks Athens' external storage protocol, or memory:?max=1GiB (memory: has 512MiB, and is empty at each start); a directory before what is elsewhere: [\"file:///DIR?max=50GiB\", \"s3://...\"]; default: stoa in the user's data home",
)
.texts();

const MODE: Key = Key::new(
    "storage_mode",
    "private",
    "who else on the machine may read what is stored from now on: private (nobody), group or world",
);

const STORAGE: Table = Table::once("", &[URL, MODE]);

const ENDPOINT: Key = Key::new(
    "endpoint",
    "",
    "the service of a bucket, where it is not the provider's own: https://minio.example:9000",
);
const REGION: Key = Key::new(
    "region",
    "",
    "the region of an S3 bucket; default: AWS_REGION, or us-east-1",
);
const PATH_STYLE: Key = Key::new(
    "path_style",
    "auto",
    "true: the bucket is the first element of the path, false: it is a part of the host; auto: in the path where there is an endpoint",
);
const ALLOW_HTTP: Key = Key::new(
    "allow_http",
    "false",
    "whether the endpoint, or an external storage with a token, may be asked without TLS",
);
const ACCESS_KEY_ID: Key = Key::new(
    "access_key_id",
    "",
    "the access key of S3, the account of Azure, the user of MongoDB or of an external storage; default, of buckets: the environment (AWS_..., GOOGLE_..., AZURE_...), then the machine's own credentials",
);
const SECRET_KEY_FILE: Key = Key::new(
    "secret_key_file",
    "",
    "file with the secret of that key, the key of that account, the password of that user, or, without a user, the token of an external storage",
);
const CREDENTIALS_FILE: Key = Key::new(
    "credentials_file",
    "",
    "file of credentials: ~/.aws/credentials, the key of a service account of Google in JSON, a shared access signature of Azure",
);
const PROFILE: Key = Key::new("profile", "default", "the profile in a credentials file of AWS");
const CONDITIONAL: Key = Key::new(
    "conditional",
    "auto",
    "whether the service heeds \"if there is none\" of a write: yes, no, or auto, which tries it when the server starts",
);
const STAGING: Key = Key::new(
    "staging",
    "",
    "directory for files on their way to a bucket; default: in the storage's directory, else beside the default one",
);
const REDIRECT_ABOVE: Key = Key::new(
    "redirect_above",
    "",
    "from this size on, clients are led to a zip in the bucket by a signed link, and stoa sends none of it: 8MiB; default: never",
);

const OPTIONS: Table = Table::once(
    "storage_options",
    &[
        ENDPOINT,
        REGION,
        PATH_STYLE,
        ALLOW_HTTP,
        ACCESS_KEY_ID,
        SECRET_KEY_FILE,
        CREDENTIALS_FILE,
        PROFILE,
        CONDITIONAL,
        STAGING,
        REDIRECT_ABOVE,
    ],
);

/// Where modules are kept.
#[derive(Clone, Debug)]
pub(crate) struct StorageConfig {
    pub(crate) url: StorageUrl,
    pub(crate) mode: StorageMode,
    /// How a bucket is reached.
    pub(crate) options: ObjectOptions,
    /// From how many bytes on clients are led to the bucket.
    pub(crate) redirect_above: Option<u64>,
    /// The directory of this machine for what is stoa's own and no module. It exists once the storage has been opened.
    pub(crate) own: Option<PathBuf>,
}

impl Section for StorageConfig {
    const TABLES: &'static [Table] = &[STORAGE, OPTIONS];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let home = reader.given().data_home.as_ref().map(|home| home.join("stoa"));
        let environment = environment(&reader.given().variables);
        let parse = |text: &str| match (text, &home) {
            ("", Some(home)) => Ok(StorageUrl::of_directory(home)),
            ("", None) => Err("HOME is not set: name a directory, such as file:///var/lib/stoa".to_owned()),
            (text, _) => url(text),
        };
        let mut storage = reader.once(&STORAGE);
        let url = storage.value_shown(&URL, parse, |url, _| url.to_string());
        let mode = storage.value(&MODE, str::parse);
        let mut table = reader.once(&OPTIONS);
        let endpoint = table.value(&ENDPOINT, |text| {
            without_secrets(text, |_| false).map(|()| named(text))
        });
        let region = table.value(&REGION, text);
        let path_style = table.value(&PATH_STYLE, path_style);
        let allow_http = table.value(&ALLOW_HTTP, boolean);
        let access_key_id = table.value(&ACCESS_KEY_ID, text);
        let secret_key_file = table.value(&SECRET_KEY_FILE, path);
        let credentials_file = table.value(&CREDENTIALS_FILE, path);
        let profile = table.value(&PROFILE, text);
        let conditional = table.value(&CONDITIONAL, str::parse::<Conditional>);
        let staging = table.value(&STAGING, path);
        let redirect_above = table.value(&REDIRECT_ABOVE, redirect);
        let url = url?;
        let own = url.own_directory().or_else(|| match url.place() {
            place if place.is_remote() => home.map(|home| home.join(".stoa")),
            _ => None,
        });
        let staging = staging?
            .or_else(|| Some(own.as_ref()?.join("staging")))
            .unwrap_or_else(|| std::env::temp_dir().join("stoa-staging"));
        Some(Self {
            url,
            mode: mode?,
            options: ObjectOptions {
                endpoint: endpoint?,
                region: region?,
                path_style: path_style?,
                allow_http: allow_http?,
                access_key_id: access_key_id?,
                secret_key_file: secret_key_file?,
                credentials_file: credentials_file?,
                profile: profile?,
                environment,
                conditional: conditional?,
                staging,
            },
            redirect_above: redirect_above?,
            own,
        })
    }
}

fn url(text: &str) -> Result<StorageUrl, String> {
    for part in text.split(',') {
        without_secrets(part, |_| false)?;
    }
    text.parse()
        .map_err(|error: stoa_storage::StorageError| error.to_string())
}

fn redirect(text: &str) -> Result<Option<u64>, String> {
    match text {
        "" => Ok(None),
        text => Ok(Some(text.parse::<ByteSize>()?.0)),
    }
}

fn path_style(text: &str) -> Result<Option<bool>, String> {
    match text {
        "auto" => Ok(None),
        text => boolean(text).map(Some),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "values are read by functions that may fail"
)]
fn text(text: &str) -> Result<Option<String>, std::convert::Infallible> {
    Ok(named(text))
}

fn named(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What the environment says of buckets, by the names that the tools of their providers read.
fn environment(variables: &Variables) -> Vec<(String, String)> {
    let usual = ["AWS_", "AZURE_", "GOOGLE_"];
    let all = usual
        .into_iter()
        .flat_map(|prefix| variables.beginning_with(prefix));
    all.filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
