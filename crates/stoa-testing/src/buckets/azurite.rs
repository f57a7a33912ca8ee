//! Azure's own emulator of its blob storage.

use std::process::Command;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::server::Server;
use crate::go::tools;

/// The version that `scripts/tools.sh` installs.
const VERSION: &str = "3.35.0";

/// Azurite, with its files in a folder of its own. It checks signatures and conditions.
pub struct Azurite {
    server: Server,
}

impl Azurite {
    /// The account that every Azurite has.
    pub const ACCOUNT: &str = "devstoreaccount1";
    /// The key of that account, which is no secret.
    pub const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// One without containers.
    pub fn start() -> Self {
        let main = tools().join(format!(
            "azurite-{VERSION}/node_modules/azurite/dist/src/blob/main.js"
        ));
        assert!(
            main.is_file(),
            "no azurite at {}: run scripts/tools.sh",
            main.display()
        );
        let server = Server::start("/", move |port, folder| {
            let mut command = Command::new("node");
            let port = port.to_string();
            command
                .arg(&main)
                .args(["--silent", "--skipApiVersionCheck", "--disableTelemetry"]);
            command
                .args(["--blobHost", "127.0.0.1", "--blobPort", &port, "--location"])
                .arg(folder.join("data"));
            command
        });
        Self { server }
    }

    /// Where the account is.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.server.port, Self::ACCOUNT)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// Makes a container, by a request that is signed as Azure wants it.
    pub fn create(&self, container: &str) {
        let mut date = Command::new("date");
        let date = output(date.env("LC_ALL", "C").args(["-u", "+%a, %d %b %Y %H:%M:%S GMT"]));
        let headers = format!("x-ms-date:{date}\nx-ms-version:2021-08-06\n");
        let resource = format!("/{0}/{0}/{container}\nrestype:container", Self::ACCOUNT);
        let signed = hmac(
            &STANDARD.decode(Self::KEY).unwrap(),
            &format!("PUT{}{headers}{resource}", "\n".repeat(12)),
        );
        let said = self.server.ask(&format!(
            "PUT /{0}/{container}?restype=container HTTP/1.1\r\nx-ms-date: {date}\r\nx-ms-version: 2021-08-06\r\n\
             Authorization: SharedKey {0}:{1}",
            Self::ACCOUNT,
            STANDARD.encode(signed)
        ));
        assert!(said.contains(" 201 "), "{said}");
    }

    /// A shared access signature for all of a container until then, which is written as `2030-01-01T00:00:00Z`.
    pub fn signature(&self, container: &str, expiry: &str) -> String {
        const ALLOWED: &str = "racwdl";
        const VERSION: &str = "2021-08-06";
        let resource = format!("/blob/{}/{container}", Self::ACCOUNT);
        // What is not said: a start, an identifier, addresses and a protocol; a snapshot, a scope and headers of answers.
        let signed = format!("{ALLOWED}\n\n{expiry}\n{resource}\n\n\n\n{VERSION}\nc\n\n\n\n\n\n\n");
        let signature = STANDARD.encode(hmac(&STANDARD.decode(Self::KEY).unwrap(), &signed));
        let escaped = signature
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D");
        let expiry = expiry.replace(':', "%3A");
        format!("sv={VERSION}&sr=c&sp={ALLOWED}&se={expiry}&sig={escaped}")
    }
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

/// HMAC with SHA-256, with a key of at most 64 bytes.
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let pad = |byte: u8| -> Vec<u8> {
        let mut pad = vec![byte; 64];
        pad.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        pad
    };
    let inner = Sha256::new_with_prefix(pad(0x36)).chain_update(text).finalize();
    Sha256::new_with_prefix(pad(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}
