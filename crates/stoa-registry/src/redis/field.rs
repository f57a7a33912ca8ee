//! Nodes as they stand in Redis.

use crate::{Registration, ServiceName};

/// The name of a node in the hash: no name has a space.
pub(super) fn field(service: &ServiceName, node: &str) -> String {
    format!("{service} {node}")
}

/// A node as it is kept; `None`, and a warning, for what is none.
pub(super) fn readable(field: &[u8], json: &[u8]) -> Option<Registration> {
    let read = Registration::from_json(json);
    let is_here = |registration: &Registration| {
        self::field(&registration.service, registration.node.id.as_str()).as_bytes() == field
    };
    match read {
        Ok(registration) if is_here(&registration) => Some(registration),
        _ => {
            let field = String::from_utf8_lossy(field);
            tracing::warn!(%field, "what is kept in Redis is no node, and is left out");
            None
        }
    }
}
