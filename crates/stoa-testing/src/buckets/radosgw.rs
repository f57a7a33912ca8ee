//! Ceph's S3.

use std::{net::TcpListener, process::Command};

use super::server::Server;

/// Ceph's gateway before a storage daemon in memory: a service as companies run it. It checks signatures and conditions.
pub struct Radosgw {
    server: Server,
}

impl Radosgw {
    /// The key of its only user.
    pub const KEY: &str = "stoa-test-key";
    /// The secret of that key.
    pub const SECRET: &str = "stoa-test-secret";

    /// One without buckets. It takes some ten seconds to start.
    pub fn start() -> Self {
        let monitor = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Server::start("/", move |port, folder| {
            let mut command = Command::new("sh");
            command.args(["-c", include_str!("radosgw.sh"), "radosgw.sh", &port.to_string()]);
            command.arg(folder.join("data"));
            command.args([&monitor.to_string(), Self::KEY, Self::SECRET]);
            command
        });
        Self { server }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.server.port
    }
}
