//! Good values of the keys of a storage, and of release archives.

/// Good values of `storage` or a key of `[storage_options]` or `[toolchains]`. `None` for any other key.
pub(super) fn values(path: &str) -> Option<Vec<String>> {
    let words: &[&str] = match path {
        "storage" => &[
            "/srv/a \"b\"\\c#",
            "file:///srv/a%20b",
            "s3://modules/go",
            "file:///var/cache?max=50GiB,gs://modules",
        ],
        "storage_options.endpoint" => &["", "https://s3.example", "http://127.0.0.1:9000/"],
        "storage_options.region" | "storage_options.access_key_id" | "storage_options.profile" => {
            &["", "a", "two words", "\"#"]
        }
        "storage_options.path_style" => &["auto", "true", "false"],
        "storage_options.allow_http" => &["true", "false"],
        "storage_options.secret_key_file"
        | "storage_options.credentials_file"
        | "storage_options.staging" => &["", "/run/a \"b\"", "relative"],
        "storage_options.conditional" => &["auto", "yes", "no"],
        "storage_options.redirect_above" => &["", "0", "8MiB"],
        "toolchains.upstream" => &["", "https://go.dev/dl/", "http://127.0.0.1:3000/go/dl"],
        "toolchains.hosts" => &["", "dl.google.com", " DL.google.com , 127.0.0.1:8080"],
        "toolchains.index_ttl" => &["0s", "1h 30m"],
        _ => return None,
    };
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}
