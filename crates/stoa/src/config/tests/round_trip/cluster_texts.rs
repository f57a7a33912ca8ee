//! Good values of the keys of a cluster.

/// Good values of a key of `[registry]` or `[peer]`; `secret` is a file that holds one. `None` for any other key.
pub(super) fn values(path: &str, secret: &str) -> Option<Vec<String>> {
    Some(match path {
        // What the others need is tried in tests of their own.
        "registry.backend" => words(&["none"]),
        "registry.endpoints" | "registry.nodes" | "registry.file" | "peer.secret_file" => words(&[""]),
        "registry.service" => words(&["stoa", "proxy-1.eu"]),
        "registry.prefix" => words(&["/stoa/registry/", "p"]),
        "registry.ttl" => words(&["2s", "1m 30s"]),
        "registry.username" => words(&["", "root"]),
        "registry.timeout" | "peer.silence" | "peer.patience" => words(&["1s", "1m 30s"]),
        "registry.snapshot" => words(&["", "/var/lib/stoa/registry"]),
        "registry.initial_wait" => words(&["0s", "5s"]),
        "registry.password_file" => words(&["", secret]),
        "peer.advertise" => words(&["", "http://10.0.0.5:3000", "https://a.example/go"]),
        "peer.id" => words(&["", "a-1", "10.0.0.5:3000"]),
        "peer.weight" => words(&["0", "1", "2.5"]),
        "peer.storage" => words(&["own", "shared"]),
        _ => return None,
    })
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
