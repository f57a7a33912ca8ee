//! Why there is no configuration.

use std::fmt;

/// How many faults are printed. The rest is counted.
const MAX_SHOWN: usize = 100;

/// Everything that is wrong with the configuration, one line each.
#[derive(Debug)]
pub struct ConfigError {
    faults: Vec<String>,
}

impl ConfigError {
    pub(crate) fn new(faults: Vec<String>) -> Self {
        Self { faults }
    }

    /// The lines, in the order in which they were found.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.faults[..self.faults.len().min(MAX_SHOWN)];
        f.write_str(&shown.join("\n"))?;
        match self.faults.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more faults"),
        }
    }
}

impl std::error::Error for ConfigError {}
