//! Where the remote is, and what it is asked with.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use stoa_dispatch::{Concurrency, LaneKey, LaneSettings, Percent};
use url::Url;

use crate::error::StorageError;
use crate::remote_place::ExternalPlace;

/// The lane of a server of the process. No host has this name.
pub const LANE: &str = "storage=external";
/// Requests at a time. A body counts until its reader is done, so that this bounds zips that are read, too.
const PERMITS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// For how long the breaker keeps a server from being asked: one that is back is seen within this.
const OPEN_MAX: Duration = Duration::from_secs(3);

/// What shapes that lane: many requests at once, versions that are on their way up for an hour, and a breaker that never
/// hides the server for long.
pub fn lane_settings() -> LaneSettings {
    let hour = Duration::from_secs(60 * 60);
    let mut settings = LaneSettings {
        concurrency: Concurrency::Fixed(PERMITS),
        queue: 4096,
        wait: Duration::from_secs(10),
        attempt: hour,
        idle: Duration::from_secs(30),
        deadline: hour,
        max_throttle: OPEN_MAX,
        ..LaneSettings::default()
    };
    settings.breaker.consecutive = 100;
    settings.breaker.failure_rate = Percent::default();
    settings.breaker.open_max = OPEN_MAX;
    settings.retry.max = 0;
    settings
}

/// Where the remote is, and what it is asked with.
#[derive(Clone, Debug)]
pub struct ExternalOptions {
    /// What is before `/<module>/@v/` in the URLs of the protocol: http or https, without user, query and fragment.
    pub base: Url,
    /// The lane of the dispatcher for every request. A body counts in it until its reader is done, so it needs as many
    /// permits as zips are read at a time. Its `attempt` bounds the upload of a version.
    pub lane: LaneKey,
    /// What is sent as `Authorization`; nothing without.
    pub authorization: Option<Authorization>,
    /// From the question to the end of its answer, for everything but zips and uploads.
    pub deadline: Duration,
}

impl ExternalOptions {
    /// The remote at `base` without credentials, in the lane of its host, asked for up to 30 seconds.
    pub fn new(base: Url) -> Result<Self, StorageError> {
        let lane = base.as_str().parse().ok().map(|uri| LaneKey::of_uri(&uri));
        let Some(Ok(lane)) = lane else {
            return Err(invalid("it is not http:// or https:// with a host"));
        };
        Ok(Self {
            base,
            lane,
            authorization: None,
            deadline: Duration::from_secs(30),
        })
    }

    /// The remote at `place` in the lane [`LANE`].
    pub fn of_place(place: &ExternalPlace) -> Result<Self, StorageError> {
        let base = place.base().parse::<Url>();
        let mut options = Self::new(base.map_err(|_| invalid("it is no URL"))?)?;
        options.lane = LaneKey::named(LANE).map_err(|_| invalid("it has no lane"))?;
        Ok(options)
    }

    /// The base without a slash at its end.
    pub(super) fn checked_base(&self) -> Result<String, StorageError> {
        let base = &self.base;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(invalid("it is not http:// or https:// with a host"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(invalid(
                "it has a user or a password in it: these have settings of their own",
            ));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(invalid("it has a query or a fragment"));
        }
        Ok(base.as_str().trim_end_matches('/').to_owned())
    }
}

fn invalid(reason: &str) -> StorageError {
    StorageError::InvalidUrl {
        reason: format!("the url of the external storage cannot be used: {reason}"),
    }
}

/// What proves to the remote who asks. It does not print.
#[derive(Clone)]
pub enum Authorization {
    /// A token, sent as `Bearer`.
    Bearer(String),
    /// A user and a password, sent as `Basic`.
    Basic {
        /// The user, without a colon.
        user: String,
        /// The password.
        password: String,
    },
}

impl Authorization {
    /// The value of the header, marked as a secret.
    pub(super) fn header(&self) -> Result<HeaderValue, StorageError> {
        let text = match self {
            Self::Bearer(token) => format!("Bearer {token}"),
            Self::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
        };
        // What is wrong with it is not told: it is a secret.
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| invalid("its token has characters that no header can have"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(...)",
            Self::Basic { .. } => "Basic(...)",
        })
    }
}
