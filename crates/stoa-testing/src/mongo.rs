//! A stand-in for MongoDB: what of its protocol a driver needs, over collections in memory.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::go::tools;

/// The version that `scripts/tools.sh` installs.
const VERSION: &str = "4.3.0";

/// A running stand-in, which ends with this value. What it holds ends with it.
#[derive(Debug)]
pub struct MongoStandIn {
    child: Child,
    port: u16,
}

impl MongoStandIn {
    /// One without databases.
    pub fn start() -> Self {
        let library = tools().join(format!("mongomock-{VERSION}"));
        assert!(
            library.is_dir(),
            "there is no {}: run scripts/tools.sh",
            library.display()
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mongo.py");
        let mut child = Command::new("python3")
            .arg(script)
            .env("PYTHONPATH", library)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is a pipe");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it can be read");
        let port = line.trim().parse().expect("the stand-in prints its port");
        Self { child, port }
    }

    /// `mongodb://127.0.0.1:PORT/`, to which the name of a database may be appended.
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/", self.port)
    }
}

impl Drop for MongoStandIn {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
