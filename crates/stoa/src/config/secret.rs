//! A text that nothing prints.

use std::{fmt, fs, io::Read, path::Path};

use super::given::Variables;

/// A secret in a file is not longer, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// A text that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, to be sent to a server.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Reads a file; space around the secret, such as a last line break, does not count.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
        let read = read.map_err(|error| format!("{}: {error}", path.display()))?;
        if read as u64 > MAX_SECRET {
            return Err(format!(
                "{}: a secret is one line of text, not empty",
                path.display()
            ));
        }
        Self::checked(&text)
            .ok_or_else(|| format!("{}: a secret is one line of text, not empty", path.display()))
    }

    /// Reads an environment variable; space around the secret does not count.
    pub(crate) fn of_variable(variables: &Variables, name: &str) -> Result<Self, String> {
        let text = variables
            .get(name)
            .ok_or_else(|| format!("the environment variable {name} is not set"))?;
        Self::checked(text).ok_or_else(|| format!("{name}: a secret is one line of text, not empty"))
    }

    fn checked(text: &str) -> Option<Self> {
        let text = text.trim();
        let good = !text.is_empty() && !text.chars().any(char::is_control);
        good.then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
