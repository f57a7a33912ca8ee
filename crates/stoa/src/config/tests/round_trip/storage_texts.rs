//! Good values of the keys of a storage.

/// Good values of `storage` or a key of `[storage_options]`. `None` for any other key.
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
        _ => return None,
    };
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}
