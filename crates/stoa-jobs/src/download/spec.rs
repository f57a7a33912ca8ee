//! What a job of kind `url` is told.

use std::{collections::BTreeMap, fmt, num::NonZeroU64, time::Duration};

use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{download_url::DownloadUrl, mime::MimeRule, sha256_hex::Sha256Hex, spec_error::SpecError};
use crate::{AggregationKey, Fingerprint, Kind, NewJob, hex::hex};

/// How many headers a job may have, and how many bytes they may have together.
const MOST_HEADERS: usize = 100;
const LONGEST_HEADERS: usize = 32 * 1_024;

/// The headers that the connection or the handler sets, so that a job may not.
const RESERVED: [&str; 19] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// The slowest transfer that is worth its slot: this many bytes in each window of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinSpeed {
    /// Bytes per second, as the mean of a window.
    pub bytes_per_second: NonZeroU64,
    /// The length of the window, in milliseconds. A stall that is shorter does no harm.
    #[serde(default = "window")]
    pub window_ms: NonZeroU64,
}

fn window() -> NonZeroU64 {
    const WINDOW: NonZeroU64 = NonZeroU64::new(30_000).expect("thirty seconds");
    WINDOW
}

/// What an earlier result said of the content: if it is still so, nothing is downloaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditional {
    /// The `ETag` of the earlier result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// How long parts of a run may take, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// The whole run; it becomes [`NewJob::timeout`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_ms: Option<NonZeroU64>,
    /// Until the head of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<NonZeroU64>,
    /// Between two parts of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<NonZeroU64>,
}

/// What a job of kind `url` is told: its payload.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DownloadSpec {
    /// What is downloaded.
    pub url: DownloadUrl,
    /// Headers of the request; they replace those of the aggregation and of the configuration that have the same names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Which types of content are accepted; all if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<MimeRule>,
    /// Whether the size of a jpeg, png or gif is read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extract_image_size: bool,
    /// The most bytes that are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The slowest transfer that is worth its slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_speed: Option<MinSpeed>,
    /// What the content must hash to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Hex>,
    /// What an earlier result said of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditional: Option<Conditional>,
    /// How long parts of a run may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Which sink gets the file; the default one if it is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// Fields that another version of this library wrote. They are kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl DownloadSpec {
    /// The kind of the jobs.
    pub const KIND: &'static str = "url";

    /// A download of this URL about which nothing else is said.
    pub fn new(url: DownloadUrl) -> Self {
        Self {
            url,
            headers: BTreeMap::new(),
            mime_type: None,
            extract_image_size: false,
            max_bytes: None,
            min_speed: None,
            sha256: None,
            conditional: None,
            timeouts: Timeouts::default(),
            sink: None,
            unknown: Map::new(),
        }
    }

    /// Checks what the types do not: the headers. Whoever submits a job does this first.
    pub fn check(&self) -> Result<(), SpecError> {
        header_map(&self.headers).map(|_| ())
    }

    /// A hash over all that changes the outcome, fields that this version does not know included. Jobs of one fingerprint are
    /// the same work.
    pub fn fingerprint(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut canonical = Self::KIND.to_owned();
        write_canonical(&value, &mut canonical);
        hex(&Sha256::digest(canonical))
    }

    /// A job that does this download in the aggregation `url/NAME`, or of the host if no name is given. Equal downloads of one
    /// aggregation are one job; those of two are not, because aggregations have proxies and headers of their own.
    pub fn new_job(&self, aggregation: Option<&str>) -> Result<NewJob, SpecError> {
        self.check()?;
        let kind: Kind = Self::KIND.parse()?;
        let host = self.url.host();
        let key = AggregationKey::new(kind, aggregation.unwrap_or(&host))?;
        let fingerprint = hex(&Sha256::digest(format!("{key}\n{}", self.fingerprint())));
        let mut job = NewJob::new(key, serde_json::to_value(self).unwrap_or_default());
        job.title = self.url.to_string();
        job.timeout = self
            .timeouts
            .run_ms
            .map(|millis| Duration::from_millis(millis.get()));
        job.fingerprint = Fingerprint::new(&fingerprint);
        Ok(job)
    }

    /// The headers of the request: those of `base` that the job has not of its own, and its own.
    pub(crate) fn request_headers(&self, base: HeaderMap) -> Result<HeaderMap, SpecError> {
        let mut headers = base;
        if let Some(value) = self.url.authorization() {
            headers.insert(AUTHORIZATION, value);
        }
        headers.extend(header_map(&self.headers)?);
        Ok(headers)
    }
}

/// Headers hold secrets, and so does the URL: neither is shown whole.
impl fmt::Debug for DownloadSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadSpec")
            .field("url", &self.url)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The headers of `layers`, the later ones in place of the earlier of the same name, unless one of them cannot be sent or is
/// the handler's to set.
pub(crate) fn layered(layers: &[&BTreeMap<String, String>]) -> Result<HeaderMap, SpecError> {
    let mut headers = HeaderMap::new();
    for layer in layers {
        headers.extend(header_map(layer)?);
    }
    Ok(headers)
}

fn header_map(headers: &BTreeMap<String, String>) -> Result<HeaderMap, SpecError> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.len() > MOST_HEADERS || bytes > LONGEST_HEADERS {
        return Err(SpecError::Headers);
    }
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = || SpecError::Header(name.clone());
        let header: HeaderName = name.parse().map_err(|_| wrong())?;
        if RESERVED.contains(&header.as_str()) {
            return Err(SpecError::Reserved(name.clone()));
        }
        map.insert(header, value.parse().map_err(|_| wrong())?);
    }
    Ok(map)
}

/// JSON with the keys of objects in order, however the map keeps them.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            text.push('{');
            for (key, value) in sorted {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write_canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                write_canonical(value, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests;
