//! A node of a cluster.

use std::{fmt, sync::Arc};

/// A node of the cluster, as the others know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its id.
    pub id: Arc<str>,
    /// The URL of its peer endpoint, without a path: `http://10.0.0.5:3000`.
    pub address: Arc<str>,
    /// Its share of keys, as against that of others; 1 by default.
    pub weight: f64,
    /// Whether it wants to own anything. One that drains does not, and still tells what it has stored.
    pub is_owner: bool,
    /// Which life of the node it is, where that is known: another one has forgotten how the last one was spoken with.
    pub instance: Option<Arc<str>>,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}
