//! What is asked of etcd's gateway and what it answers, as far as it is needed here.

use serde::{Deserialize, Serialize};

use super::number::{Blob, Number};

/// Stands in every answer.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Header {
    /// Which cluster answers. It is a number of 64 bits without a sign.
    #[serde(deserialize_with = "cluster")]
    pub(super) cluster_id: u64,
    /// Its state.
    pub(super) revision: Number,
}

fn cluster<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Asks for keys from `key` up to, and without, `range_end`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct RangeRequest {
    pub(super) key: Blob,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range_end: Option<Blob>,
    pub(super) limit: Number,
    /// The state to look at; zero is the present one.
    pub(super) revision: Number,
    pub(super) keys_only: bool,
    pub(super) count_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sort_order: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sort_target: Option<&'static str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RangeResponse {
    pub(super) header: Header,
    pub(super) kvs: Vec<KeyValue>,
    pub(super) more: bool,
    /// How many keys there are, whatever the limit.
    pub(super) count: Number,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyValue {
    pub(super) key: Blob,
    pub(super) value: Blob,
    pub(super) mod_revision: Number,
    pub(super) lease: Number,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct TxnRequest {
    pub(super) compare: Vec<Compare>,
    pub(super) success: Vec<Operation>,
    pub(super) failure: Vec<Operation>,
}

/// A condition: what `target` names of a key is equal to the field of that name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compare {
    result: &'static str,
    target: &'static str,
    key: Blob,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Blob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mod_revision: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<Number>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) enum Operation {
    #[serde(rename = "request_range")]
    Range(RangeRequest),
    #[serde(rename = "request_put")]
    Put { key: Blob, value: Blob, lease: Number },
    #[serde(rename = "request_delete_range")]
    Delete { key: Blob },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TxnResponse {
    pub(super) header: Header,
    /// Whether every condition held.
    pub(super) succeeded: bool,
    pub(super) responses: Vec<OperationResponse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OperationResponse {
    pub(super) response_range: Option<RangeResponse>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct LeaseGrantRequest {
    /// Seconds.
    #[serde(rename = "TTL")]
    pub(super) ttl: Number,
}

/// Names a lease, to keep it or to end it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct LeaseRequest {
    #[serde(rename = "ID")]
    pub(super) id: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LeaseResponse {
    #[serde(rename = "ID")]
    pub(super) id: Number,
    /// Seconds that are left; none if there is no such lease.
    #[serde(rename = "TTL")]
    pub(super) ttl: Number,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct WatchRequest {
    pub(super) create_request: WatchCreateRequest,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct WatchCreateRequest {
    pub(super) key: Blob,
    pub(super) range_end: Blob,
    pub(super) start_revision: Number,
    /// Whether etcd says from time to time that nothing has happened.
    pub(super) progress_notify: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WatchResponse {
    pub(super) header: Header,
    pub(super) created: bool,
    pub(super) canceled: bool,
    /// The earliest revision that is not forgotten, if the watch wants an earlier one.
    pub(super) compact_revision: Number,
    pub(super) cancel_reason: String,
    pub(super) events: Vec<WatchEvent>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WatchEvent {
    /// `DELETE`, or `PUT`, which is left out.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) kv: KeyValue,
}

/// An object of a stream, which is an answer or the error that ends the stream.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Streamed<T> {
    pub(super) result: Option<T>,
    pub(super) error: Option<ErrorResponse>,
}

/// How the versions of the gateway tell an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorResponse {
    #[serde(alias = "grpc_code")]
    pub(super) code: i64,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
pub(super) struct AuthenticateRequest<'a> {
    pub(super) name: &'a str,
    pub(super) password: &'a str,
}

#[derive(Deserialize)]
pub(super) struct AuthenticateResponse {
    pub(super) token: String,
}

impl Compare {
    /// The key is there with this value.
    pub(super) fn value(key: &Blob, value: &str) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::on("VALUE", key)
        }
    }

    /// The key was last changed at this revision; at none, if it is not there.
    pub(super) fn mod_revision(key: &Blob, revision: Number) -> Self {
        Self {
            mod_revision: Some(revision),
            ..Self::on("MOD", key)
        }
    }

    /// The key goes with this lease.
    pub(super) fn lease(key: &Blob, lease: Number) -> Self {
        Self {
            lease: Some(lease),
            ..Self::on("LEASE", key)
        }
    }

    fn on(target: &'static str, key: &Blob) -> Self {
        Self {
            result: "EQUAL",
            target,
            key: key.clone(),
            value: None,
            mod_revision: None,
            lease: None,
        }
    }
}

impl RangeRequest {
    /// One key.
    pub(super) fn one(key: &Blob) -> Self {
        Self {
            key: key.clone(),
            ..Self::default()
        }
    }
}

impl TxnResponse {
    /// The first thing that was read.
    pub(super) fn into_read(self) -> Option<RangeResponse> {
        self.responses.into_iter().find_map(|one| one.response_range)
    }
}
