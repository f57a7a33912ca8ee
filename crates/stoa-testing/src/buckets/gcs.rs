//! A stand-in for Google Cloud Storage.

use std::process::Command;

use super::{moto::Moto, server::Server};

/// Speaks Google's XML interface before a [`Moto`], which keeps the objects. It checks conditions, and no tokens.
pub struct Gcs {
    server: Server,
    moto: Moto,
}

impl Gcs {
    /// One without buckets.
    pub fn start() -> Self {
        let moto = Moto::start();
        let behind = moto.port().to_string();
        let server = Server::start("/", move |port, _| {
            let mut command = Command::new("python3");
            command.args(["-c", include_str!("gcs.py"), &port.to_string(), &behind]);
            command
        });
        Self { server, moto }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    /// Makes a bucket.
    pub fn create(&self, bucket: &str) {
        self.moto.create(bucket);
    }
}
