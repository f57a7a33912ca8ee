//! What the tests of downloads share.

mod lab;
mod origin;
mod store;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::disk_guard::{Probe, Space};

pub(crate) use lab::{Lab, job, lease};
pub(crate) use origin::{Origin, Reply, Step, error};
pub(crate) use store::Leases;

/// A gray png of this size. Its pixels are not all there, but its header is.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    for chunk in [header, b"IEND".to_vec()] {
        let length = u32::try_from(chunk.len() - 4).expect("a short chunk");
        png.extend(length.to_be_bytes());
        png.extend(&chunk);
        png.extend([0; 4]);
    }
    png
}

/// Volumes by the texts of their paths, with the space that a test gives them.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    usual: Space,
    volumes: Arc<Mutex<BTreeMap<PathBuf, Result<Space, io::ErrorKind>>>>,
}

impl Disk {
    /// Volumes that have this space.
    pub(crate) fn new(usual: Space) -> Self {
        Self {
            usual,
            volumes: Arc::default(),
        }
    }

    /// Changes one volume.
    pub(crate) fn set(&self, path: &str, space: Result<Space, io::ErrorKind>) {
        self.volumes.lock().insert(path.into(), space);
    }
}

impl Probe for Disk {
    fn measure(&self, path: &Path) -> io::Result<Space> {
        let volumes = self.volumes.lock();
        volumes
            .get(path)
            .copied()
            .unwrap_or(Ok(self.usual))
            .map_err(io::Error::from)
    }
}
