//! S3 as moto has it.

use std::process::Command;

use super::server::Server;
use crate::go::tools;

/// The version that `scripts/tools.sh` installs.
const VERSION: &str = "5.2.5";

/// Moto's S3, in memory. It checks conditions, and no signatures.
pub struct Moto {
    server: Server,
}

impl Moto {
    /// One without buckets.
    pub fn start() -> Self {
        let folder = tools().join(format!("moto-{VERSION}"));
        assert!(
            folder.is_dir(),
            "no moto at {}: run scripts/tools.sh",
            folder.display()
        );
        let server = Server::start("/moto-api/", move |port, _| {
            let mut command = Command::new("python3");
            command.env("PYTHONPATH", &folder).env("PYTHONUNBUFFERED", "1");
            command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
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

    /// Makes a bucket.
    pub fn create(&self, bucket: &str) {
        let said = self.server.ask(&format!("PUT /{bucket} HTTP/1.1"));
        assert!(said.contains(" 200 "), "{said}");
    }

    /// Ends it at once. What it held is gone.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts it again on the same port, with nothing in it.
    pub fn restart(&self) {
        self.server.restart("/moto-api/");
    }
}
