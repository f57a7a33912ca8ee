//! Bounds on what a source may send and how long it may take.

use std::time::Duration;

use stoa_dispatch::LaneSettings;
use stoa_module::Resource;

/// The largest body taken of each kind, in bytes. A longer one ends the transfer with an error while it streams.
///
/// The defaults for `.mod` and `.zip` are the go command's own (`x/mod/zip`: `MaxGoMod`, `MaxZipFile`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `list`, in bytes.
    pub list: u64,
    /// `.info` and `@latest`, in bytes.
    pub info: u64,
    /// `.mod`, in bytes.
    pub go_mod: u64,
    /// `.zip`, in bytes.
    pub zip: u64,
    /// Text of an error answer that is kept and relayed, in bytes; the rest is dropped.
    pub error_text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            list: 1 << 20,
            info: 1 << 20,
            go_mod: 16 << 20,
            zip: 500 << 20,
            error_text: 16 << 10,
        }
    }
}

impl Limits {
    /// The bound for `resource`, in bytes.
    pub fn for_resource(&self, resource: &Resource) -> u64 {
        match resource {
            Resource::List(_) => self.list,
            Resource::Latest(_) | Resource::Query(..) | Resource::Info(_) => self.info,
            Resource::Mod(_) => self.go_mod,
            Resource::Zip(_) => self.zip,
        }
    }
}

/// How long each phase of a fetch may take. The go command waits for ever, so the proxy must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Connecting, name resolution and TLS included.
    pub connect: Duration,
    /// From sending a request to the head of its answer; anew for each retry and each redirect.
    pub response: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
    /// From the request to the last byte, redirects, retries and waiting included.
    pub total: Duration,
}

impl Deadlines {
    /// Puts the deadlines of a lane into `settings`.
    pub fn apply(&self, settings: &mut LaneSettings) {
        settings.attempt = self.response;
        settings.idle = self.idle;
        settings.deadline = self.total;
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(15 * 60),
        }
    }
}
