//! Numbers of bytes, for people.

use serde_json::Value;

/// A number of bytes, for people.
pub(super) fn size(bytes: &Value) -> String {
    bytes.as_u64().map_or_else(
        || "-".to_owned(),
        |bytes| indicatif::HumanBytes(bytes).to_string(),
    )
}
