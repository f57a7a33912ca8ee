//! What a job of kind `url` is told.

use std::{collections::BTreeMap, fmt, num::NonZeroU64, str::FromStr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::mime::MimeRule;
use crate::{AggregationKey, AggregationKeyError, Fingerprint, Kind, NewJob, hex::hex};

/// The longest URL, in bytes.
const LONGEST_URL: usize = 8_192;
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

/// What a download is told is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The URL is none.
    #[error("it is no URL: {0}")]
    Url(url::ParseError),
    /// The URL is too long.
    #[error("a URL has at most 8192 bytes, and this one has {0}")]
    LongUrl(usize),
    /// The scheme is another one.
    #[error("the scheme of the URL is {0}, and only http and https can be downloaded")]
    Scheme(String),
    /// A digest is none.
    #[error("a sha256 is 64 hexadecimal digits")]
    Sha256,
    /// A header cannot be sent.
    #[error("the header {0:?} cannot be sent")]
    Header(String),
    /// A header is not the job's to set.
    #[error("the header {0:?} cannot be set by a job")]
    Reserved(String),
    /// There are too many headers.
    #[error("a job has at most 100 headers of 32 KiB together")]
    Headers,
    /// The aggregation cannot have this name.
    #[error(transparent)]
    Aggregation(#[from] AggregationKeyError),
}

/// A URL that can be downloaded: http or https, with a host. It may hold secrets, so it is shown without them.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadUrl(Url);

impl DownloadUrl {
    /// The URL without user and password, as a request carries it.
    pub fn request_url(&self) -> Url {
        without_userinfo(&self.0)
    }

    /// The `Authorization` that the user and the password of the URL make.
    pub fn authorization(&self) -> Option<HeaderValue> {
        if self.0.username().is_empty() && self.0.password().is_none() {
            return None;
        }
        let decode = |text| percent_decode(text);
        let mut pair = decode(self.0.username());
        pair.push(b':');
        pair.extend(decode(self.0.password().unwrap_or_default()));
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The host, and the port if it is not the usual one of the scheme: the name of the default aggregation.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The whole URL, with its secrets.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The URL without what may be secret in it: user, password, fragment, and the values of the query.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = without_userinfo(url);
    shown.set_query(None);
    shown.set_fragment(None);
    let query = if url.query().is_some() { "?..." } else { "" };
    format!("{shown}{query}")
}

fn without_userinfo(url: &Url) -> Url {
    let mut url = url.clone();
    // Neither fails on a URL that has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let escaped = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

impl FromStr for DownloadUrl {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if text.len() > LONGEST_URL {
            return Err(SpecError::LongUrl(text.len()));
        }
        let url = Url::parse(text).map_err(SpecError::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SpecError::Scheme(url.scheme().to_owned()));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DownloadUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for DownloadUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// A SHA-256 as 64 lower-case hexadecimal digits; upper-case ones are read too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sha256Hex {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(SpecError::Sha256)
        }
    }
}

impl<'de> Deserialize<'de> for Sha256Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

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

    /// The headers of the request: those of `layers`, the later ones replacing the earlier, then those of the job. Each layer
    /// may hold secrets.
    pub(crate) fn request_headers(
        &self,
        layers: &[&BTreeMap<String, String>],
    ) -> Result<HeaderMap, SpecError> {
        let mut headers = HeaderMap::new();
        for layer in layers {
            headers.extend(header_map(layer)?);
        }
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
