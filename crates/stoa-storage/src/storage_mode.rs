//! Who on this machine may read what is stored.

use std::{fmt, str::FromStr};

/// Who on this machine may read what is stored, besides the user that stores it, who alone may write. It is for files and
/// directories that are made from now on, less the umask; what exists keeps its mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageMode {
    /// Nobody: 0600 and 0700. Private modules are stored beside public ones.
    #[default]
    Private,
    /// The group: 0640 and 0750.
    Group,
    /// Everybody: 0644 and 0755.
    World,
}

impl StorageMode {
    /// The permissions of a new file.
    pub fn of_files(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Group => 0o640,
            Self::World => 0o644,
        }
    }

    /// The permissions of a new directory.
    pub fn of_directories(self) -> u32 {
        match self {
            Self::Private => 0o700,
            Self::Group => 0o750,
            Self::World => 0o755,
        }
    }

    /// Whether a directory with these permissions lets in somebody whom this mode keeps out.
    pub fn is_exceeded_by(self, permissions: u32) -> bool {
        permissions & 0o777 & !(self.of_directories() | 0o700) != 0
    }
}

impl FromStr for StorageMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "private" => Ok(Self::Private),
            "group" => Ok(Self::Group),
            "world" => Ok(Self::World),
            _ => Err(format!(
                "bad storage mode {text:?}: write private, group or world"
            )),
        }
    }
}

impl fmt::Display for StorageMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::World => "world",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_directory_is_noticed() {
        for (mode, permissions, want) in [
            (StorageMode::Private, 0o700, false),
            (StorageMode::Private, 0o40_500, false),
            (StorageMode::Private, 0o710, true),
            (StorageMode::Private, 0o755, true),
            (StorageMode::Group, 0o750, false),
            (StorageMode::Group, 0o770, true),
            (StorageMode::Group, 0o755, true),
            (StorageMode::World, 0o755, false),
            (StorageMode::World, 0o777, true),
        ] {
            assert_eq!(mode.is_exceeded_by(permissions), want, "{mode} {permissions:o}");
        }
        for mode in [StorageMode::Private, StorageMode::Group, StorageMode::World] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!(
            "0644"
                .parse::<StorageMode>()
                .is_err_and(|error| error.contains("private, group or world"))
        );
    }
}
