//! Good values of the keys of an index, of what makes room, and of who may store.

/// Good values of a key of `[index]`, `[gc]` or `[external]`; `secret` is a file that holds one. `None` for any other key.
pub(super) fn values(path: &str, secret: &str) -> Option<Vec<String>> {
    let words: &[&str] = match path {
        "index.store" => &[
            "file:",
            "file:///srv/a \"b\"/index.db",
            "memory:",
            "none",
            "postgres://stoa@db.example/stoa",
            "mysql://stoa@127.0.0.1:3307/stoa?tls=off",
        ],
        "index.password_file" => &["", secret],
        // What it has to hold is tried in a test of its own.
        "external.token_file" => &[""],
        "index.ca" => &["", "/run/a \"b\""],
        "index.timeout" => &["1s", "1m 30s"],
        "gc.quota" => &["", "0", "50GiB"],
        "gc.max_age" => &["", "180d"],
        "gc.min_age" => &["0s", "1h 30m"],
        "gc.keep" => &["", "corp.example/*", "a.example/m@v1.0.0,b.example"],
        "index.public" | "gc.keep_private" | "gc.keep_gone" | "gc.dry_run" => &["true", "false"],
        "gc.every" => &["1s", "1d"],
        _ => return None,
    };
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}
