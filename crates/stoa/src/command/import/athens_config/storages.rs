//! Where an Athens keeps its modules and its index.

use super::{
    output::{Output, quoted},
    settings::Settings,
};

/// Where the secrets of a configuration are to be written.
const SECRET: &str = "/etc/stoa/storage-secret";
const INDEX_SECRET: &str = "/etc/stoa/index-password";

/// The secret of a key, which is not repeated.
fn secret(
    output: &mut Output,
    settings: &Settings,
    path: &str,
    table: &'static str,
    key: &'static str,
    file: &str,
) {
    if settings.get(path).is_some() {
        output.note(
            path,
            &format!(
                "write its value into {file} (chmod 600), and take it out of what Athens is started with"
            ),
        );
        output.propose(table, key, quoted(file), path);
    }
}

/// `StorageType`, and what belongs to it.
pub(super) fn storage(output: &mut Output, settings: &Settings) {
    let kind = settings.get("StorageType").unwrap_or("memory");
    let get = |path: &str| settings.get(path);
    match kind {
        "memory" => output.set("", "storage", quoted("memory:"), "StorageType"),
        "disk" => {
            let root = get("Storage.Disk.RootPath").unwrap_or("/var/lib/athens");
            output.note(
                "Storage.Disk.RootPath",
                &format!(
                    "stoa has a layout of its own: bring the modules in with `stoa import athens {root}`"
                ),
            );
            output.set("", "storage", quoted("file:///var/lib/stoa"), "StorageType");
        }
        "mongo" => mongo(output, settings),
        "gcp" => google(output, settings),
        "minio" => minio(output, settings),
        "s3" => s3(output, settings),
        "azureblob" => azure(output, settings),
        "external" => {
            let url = get("Storage.External.URL").unwrap_or("https://external.example");
            output.set("", "storage", quoted(url), "Storage.External.URL");
        }
        other => output.note(
            "StorageType",
            &format!("{other:?} is none that is known; set storage"),
        ),
    }
}

/// A bucket of Athens has unescaped names, so that stoa's go below a prefix of their own.
fn own_prefix(output: &mut Output, from: &str, bucket: &str) {
    output.note(from, &format!("stoa keeps its modules below a prefix of its own: bring those of Athens in with `stoa import athens {bucket}`"));
    output.set("", "storage", quoted(&format!("{bucket}/stoa")), from);
}

fn plain(output: &mut Output, settings: &Settings, path: &str, key: &'static str) {
    if let Some(text) = settings.get(path) {
        output.set("storage_options", key, quoted(text), path);
    }
}

fn google(output: &mut Output, settings: &Settings) {
    let bucket = settings.get("Storage.GCP.Bucket").unwrap_or("athens");
    own_prefix(output, "Storage.GCP.Bucket", &format!("gs://{bucket}"));
    secret(
        output,
        settings,
        "Storage.GCP.JSONKey",
        "storage_options",
        "credentials_file",
        "/etc/stoa/google.json",
    );
    if settings.get("Storage.GCP.JSONKey").is_some() {
        output.note(
            "Storage.GCP.JSONKey",
            "it is base64 there and JSON here: base64 -d",
        );
    }
}

fn minio(output: &mut Output, settings: &Settings) {
    let bucket = settings.get("Storage.Minio.Bucket").unwrap_or("gomods");
    own_prefix(output, "Storage.Minio.Bucket", &format!("s3://{bucket}"));
    let scheme = if settings.is_on("Storage.Minio.EnableSSL") {
        "https"
    } else {
        "http"
    };
    if let Some(endpoint) = settings.get("Storage.Minio.Endpoint") {
        output.set(
            "storage_options",
            "endpoint",
            quoted(&format!("{scheme}://{endpoint}")),
            "Storage.Minio.Endpoint",
        );
    }
    if scheme == "http" {
        output.set(
            "storage_options",
            "allow_http",
            "true".to_owned(),
            "Storage.Minio.EnableSSL",
        );
    }
    plain(output, settings, "Storage.Minio.Region", "region");
    plain(output, settings, "Storage.Minio.Key", "access_key_id");
    secret(
        output,
        settings,
        "Storage.Minio.Secret",
        "storage_options",
        "secret_key_file",
        SECRET,
    );
}

fn azure(output: &mut Output, settings: &Settings) {
    let container = settings
        .get("Storage.AzureBlob.ContainerName")
        .unwrap_or("athens");
    own_prefix(
        output,
        "Storage.AzureBlob.ContainerName",
        &format!("az://{container}"),
    );
    plain(output, settings, "Storage.AzureBlob.AccountName", "access_key_id");
    secret(
        output,
        settings,
        "Storage.AzureBlob.AccountKey",
        "storage_options",
        "secret_key_file",
        SECRET,
    );
}

fn s3(output: &mut Output, settings: &Settings) {
    let bucket = settings.get("Storage.S3.Bucket").unwrap_or("gomods");
    own_prefix(output, "Storage.S3.Bucket", &format!("s3://{bucket}"));
    plain(output, settings, "Storage.S3.Region", "region");
    plain(output, settings, "Storage.S3.Endpoint", "endpoint");
    if settings
        .get("Storage.S3.Endpoint")
        .is_some_and(|url| url.starts_with("http://"))
    {
        output.set(
            "storage_options",
            "allow_http",
            "true".to_owned(),
            "Storage.S3.Endpoint",
        );
    }
    if settings.is_on("Storage.S3.ForcePathStyle") {
        output.set(
            "storage_options",
            "path_style",
            quoted("true"),
            "Storage.S3.ForcePathStyle",
        );
    }
    plain(output, settings, "Storage.S3.Key", "access_key_id");
    secret(
        output,
        settings,
        "Storage.S3.Secret",
        "storage_options",
        "secret_key_file",
        SECRET,
    );
    for path in [
        "Storage.S3.UseDefaultConfiguration",
        "Storage.S3.CredentialsEndpoint",
        "Storage.S3.AwsContainerCredentialsRelativeURI",
        "Storage.S3.Token",
    ] {
        if settings.get(path).is_some() {
            output.note(
                path,
                "needs nothing: without keys, stoa uses what the environment (AWS_...) and the machine have",
            );
        }
    }
}

fn mongo(output: &mut Output, settings: &Settings) {
    let url = settings
        .get("Storage.Mongo.URL")
        .unwrap_or("mongodb://127.0.0.1:27017");
    let database = settings.get("Storage.Mongo.DefaultDBName").unwrap_or("athens");
    let (scheme, rest) = url.split_once("://").unwrap_or(("mongodb", url));
    let (login, place) = rest
        .rsplit_once('@')
        .map_or((None, rest), |(login, place)| (Some(login), place));
    let (hosts, options) = place
        .split_once('?')
        .map_or((place, String::new()), |(hosts, options)| {
            (hosts, format!("?{options}"))
        });
    let hosts = hosts.split('/').next().unwrap_or(hosts);
    output.set(
        "",
        "storage",
        quoted(&format!("{scheme}://{hosts}/{database}{options}")),
        "Storage.Mongo.URL",
    );
    if let Some(login) = login {
        let user = login.split(':').next().unwrap_or(login);
        output.set(
            "storage_options",
            "access_key_id",
            quoted(user),
            "Storage.Mongo.URL",
        );
        output.note(
            "Storage.Mongo.URL",
            &format!("write the password of that user into {SECRET} (chmod 600)"),
        );
        output.propose(
            "storage_options",
            "secret_key_file",
            quoted(SECRET),
            "Storage.Mongo.URL",
        );
    }
    output.note(
        "Storage.Mongo.URL",
        "what Athens has there is read where it is; Athens must not write at the same time",
    );
}

/// `IndexType`, and what belongs to it.
pub(super) fn index(output: &mut Output, settings: &Settings) {
    let get = |path: &str, default: &str| settings.get(path).unwrap_or(default).to_owned();
    match settings.get("IndexType").unwrap_or("none") {
        "none" | "" => output.note(
            "IndexType",
            "stoa keeps one in a file all the same (index.store = \"none\" does without)",
        ),
        "memory" => output.set("index", "store", quoted("memory:"), "IndexType"),
        kind @ ("mysql" | "postgres") => {
            let (name, user, port, password) = if kind == "mysql" {
                ("Index.MySQL", "root", "3306", "Index.MySQL.Password")
            } else {
                ("Index.Postgres", "postgres", "5432", "Index.Postgres.Password")
            };
            let value = |key: &str, default: &str| get(&format!("{name}.{key}"), default);
            let url = format!(
                "{kind}://{}@{}:{}/{}",
                value("User", user),
                value("Host", "127.0.0.1"),
                value("Port", port),
                value("Database", "athens")
            );
            output.set("index", "store", quoted(&url), "IndexType");
            secret(output, settings, password, "index", "password_file", INDEX_SECRET);
            output.note(
                "IndexType",
                "stoa has tables of its own there (stoa_index_...), which it makes of what is stored",
            );
        }
        other => output.note("IndexType", &format!("{other:?} is none that is known")),
    }
}
