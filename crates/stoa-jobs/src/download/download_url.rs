//! A URL that can be downloaded.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::spec_error::SpecError;

/// The longest URL, in bytes.
const LONGEST_URL: usize = 8_192;

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
        crate::text::parsed(deserializer)
    }
}
