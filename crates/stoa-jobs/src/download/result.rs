//! What a download came to.

use serde::{Deserialize, Serialize};

/// What a download came to: the result of the job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadResult {
    /// The status of the server, 304 if the content is unchanged. Content that was fetched in parts has 200, as if it had come
    /// at once; the attempt notes the 206.
    pub status: u16,
    /// The length of the content.
    pub bytes: u64,
    /// The SHA-256 of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The type of the content, by its first bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The size of the image, as `10x10`, if that was asked for and the content is a jpeg, png or gif.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<String>,
    /// The `ETag` of the response, for a later conditional download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Where the sink keeps the file; none if the content is unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whether the server said that the content is what the condition of the job names, so that nothing was downloaded.
    #[serde(default)]
    pub unchanged: bool,
}
