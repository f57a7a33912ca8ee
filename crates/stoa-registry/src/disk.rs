//! Snapshots on disk, so that a view can begin while the registry is away.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Registration, ServiceName, Snapshot};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// A directory with one file for each service.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotDirectory(PathBuf);

#[derive(Serialize, Deserialize)]
struct OnDisk {
    service: ServiceName,
    nodes: Vec<Registration>,
}

impl SnapshotDirectory {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    fn file(&self, service: &ServiceName) -> PathBuf {
        self.0.join(format!("{service}.json"))
    }

    /// The nodes that were there; none if there is no file, or none that can be read.
    pub(crate) fn read(&self, service: &ServiceName) -> Vec<Registration> {
        let file = self.file(service);
        match read(&file) {
            Ok(Some(found)) if found.service == *service => found.nodes,
            Ok(None) => Vec::new(),
            Ok(Some(other)) => {
                tracing::warn!(file = %file.display(), service = %other.service, "it is of another service and is not used");
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "what was known of the nodes cannot be read and is not used");
                Vec::new()
            }
        }
    }

    /// Writes what is known: the old file stays until the new one is whole.
    pub(crate) fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        let nodes = snapshot.nodes.iter().map(|node| node.registration.clone());
        let content = OnDisk {
            service: snapshot.service.clone(),
            nodes: nodes.collect(),
        };
        fs::create_dir_all(&self.0)?;
        let file = self.file(&snapshot.service);
        let fresh = file.with_extension("json.new");
        fs::write(&fresh, serde_json::to_vec_pretty(&content)?)?;
        fs::File::open(&fresh)?.sync_all()?;
        fs::rename(&fresh, &file)
    }
}

fn read(file: &Path) -> io::Result<Option<OnDisk>> {
    let length = match fs::metadata(file) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if length > LONGEST {
        return Err(io::Error::other(format!(
            "it has {length} bytes, and {LONGEST} is the most"
        )));
    }
    Ok(Some(serde_json::from_slice(&fs::read(file)?)?))
}
