//! A node by itself.

use std::sync::Arc;

use stoa_server::{Guard, Mount, cluster_mount};

use super::control::Control;
use crate::app::Part;

/// A node by itself.
#[derive(Debug)]
pub(super) struct Alone {
    pub(super) control: Arc<Control>,
    pub(super) guard: Arc<dyn Guard>,
}

impl Part for Alone {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn mounts(&self) -> Vec<Mount> {
        vec![cluster_mount(
            Arc::clone(&self.control) as _,
            Arc::clone(&self.guard),
        )]
    }
}
