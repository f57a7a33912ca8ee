//! What a response says about the server and about another attempt.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, StatusCode, header::RETRY_AFTER};

use crate::{BreakerVerdict, TransportError, TransportErrorKind};

static RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The headers for what is left of a limit, and for when it is filled again. Made once, because every response is searched
/// for them.
static LIMITS: [(HeaderName, HeaderName); 2] = [
    (
        HeaderName::from_static("ratelimit-remaining"),
        HeaderName::from_static("ratelimit-reset"),
    ),
    (
        HeaderName::from_static("x-ratelimit-remaining"),
        HeaderName::from_static("x-ratelimit-reset"),
    ),
];

/// The outcome of one attempt, as far as its head.
#[derive(Clone, Copy, Debug)]
pub enum Attempted<'a> {
    /// A response came.
    Response {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: &'a HeaderMap,
    },
    /// The connection failed.
    Failed(&'a TransportError),
    /// No head came in time.
    TimedOut(Duration),
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// For the breaker.
    pub verdict: BreakerVerdict,
    /// Whether another attempt may go better.
    pub retriable: bool,
    /// How long the server asks for a pause. A request that waits it out is not charged for it.
    pub throttle: Option<Duration>,
    /// Whether the server dropped the request because it has too many, for the adaptive limit.
    pub dropped: bool,
}

/// Reads attempts. Replace it for servers whose answers have another meaning.
pub trait Classify: fmt::Debug + Send + Sync + 'static {
    /// What follows from `attempted`.
    fn classify(&self, attempted: Attempted<'_>) -> Classified;
}

/// HTTP as its standards say.
///
/// | attempt | verdict | another attempt |
/// |---|---|---|
/// | 1xx to 4xx but 429 | success | no |
/// | 429, 503 with a time to wait | ignored; the lane is throttled | after the pause, not charged |
/// | 429 | limited | yes |
/// | 502, 503, 504 | failure | yes |
/// | other 5xx | failure | no: the server has tried, and would fail at the same thing again |
/// | no connection, cut before the head | failure | yes |
/// | no head in time | failure | no: its time is spent |
/// | bad certificate, not HTTP | failure | no |
/// | a request that cannot be sent | ignored | no |
///
/// Any response that says that nothing is left of a limit (`RateLimit-Remaining: 0` and its kin, with a reset time)
/// throttles the lane as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpClassify;

impl Classify for HttpClassify {
    fn classify(&self, attempted: Attempted<'_>) -> Classified {
        let (status, headers) = match attempted {
            Attempted::Response { status, headers } => (status, headers),
            Attempted::TimedOut(after) => {
                let verdict = BreakerVerdict::Failure(format!("no response within {after:?}"));
                return Classified {
                    verdict,
                    retriable: false,
                    throttle: None,
                    dropped: true,
                };
            }
            Attempted::Failed(error) => {
                let verdict = match error.kind() {
                    TransportErrorKind::Request | TransportErrorKind::Private => BreakerVerdict::Ignored,
                    _ => BreakerVerdict::Failure(error.to_string()),
                };
                return Classified {
                    verdict,
                    retriable: error.is_retriable(),
                    throttle: None,
                    dropped: !matches!(
                        error.kind(),
                        TransportErrorKind::Request | TransportErrorKind::Private
                    ),
                };
            }
        };
        let limited = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let wait = if limited { retry_after(headers) } else { None };
        let throttle = wait.or_else(|| exhausted(headers));
        let asked_to_wait = throttle.is_some() && (limited || status == StatusCode::FORBIDDEN);
        let verdict = if asked_to_wait {
            BreakerVerdict::Ignored
        } else if status == StatusCode::TOO_MANY_REQUESTS {
            BreakerVerdict::Limited
        } else if status.is_server_error() {
            BreakerVerdict::Failure(status.to_string())
        } else {
            BreakerVerdict::Success
        };
        let passing = matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT);
        Classified {
            retriable: limited || passing || asked_to_wait,
            verdict,
            throttle,
            dropped: limited,
        }
    }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3). Nothing for a time that has passed.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(SystemTime::now())
            .ok()?,
    };
    Some(wait).filter(|wait| !wait.is_zero())
}

/// A limit of which nothing is left, and the time until it is filled again: `RateLimit-Remaining` and
/// `RateLimit-Reset` (seconds), `X-RateLimit-Remaining` and `X-RateLimit-Reset` (seconds since 1970, as GitHub sends them,
/// or seconds), `RateLimit: "name";r=0;t=5` (the newest draft of the IETF).
fn exhausted(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &HeaderName| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(wait) = headers
        .get(&RATELIMIT)
        .and_then(|value| structured(value.to_str().ok()?))
    {
        return Some(wait);
    }
    let reset = LIMITS.iter().find_map(|(remaining, reset)| {
        let left = number(remaining)?;
        number(reset).filter(|_| left == 0)
    })?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?
        .as_secs();
    // A number of seconds this large is a date.
    let wait = if reset > 1_000_000_000 {
        reset.saturating_sub(now)
    } else {
        reset
    };
    Some(Duration::from_secs(wait)).filter(|wait| !wait.is_zero())
}

/// The first policy of a `RateLimit` field that has nothing left.
fn structured(text: &str) -> Option<Duration> {
    text.split(',').find_map(|policy| {
        let parameter = |name: &str| {
            let mut parameters = policy.split(';').skip(1).filter_map(|p| p.trim().split_once('='));
            parameters.find(|(n, _)| *n == name)?.1.parse::<u64>().ok()
        };
        let wait = parameter("t").filter(|_| parameter("r") == Some(0))?;
        Some(Duration::from_secs(wait)).filter(|wait| !wait.is_zero())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&'static str, &str)]) -> Classified {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("value")))
            .collect();
        HttpClassify.classify(Attempted::Response {
            status: StatusCode::from_u16(status).expect("status"),
            headers: &map,
        })
    }

    #[test]
    fn statuses_mean_what_the_table_says() {
        for (status, success, retriable) in [
            (200, true, false),
            (304, true, false),
            (404, true, false),
            (410, true, false),
            (500, false, false),
            (502, false, true),
            (503, false, true),
            (504, false, true),
            (501, false, false),
            (505, false, false),
        ] {
            let classified = response(status, &[]);
            assert_eq!(classified.verdict == BreakerVerdict::Success, success, "{status}");
            assert_eq!(classified.retriable, retriable, "{status}");
        }
        assert_eq!(response(429, &[]).verdict, BreakerVerdict::Limited);
    }

    #[test]
    fn a_server_that_asks_for_a_pause_is_not_failing() {
        let five = Some(Duration::from_secs(5));
        for status in [429, 503] {
            let classified = response(status, &[("retry-after", "5")]);
            assert_eq!(
                (classified.verdict, classified.throttle, classified.retriable),
                (BreakerVerdict::Ignored, five, true)
            );
        }
        assert_eq!(response(500, &[("retry-after", "5")]).throttle, None);
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(30));
        let pause = response(503, &[("retry-after", &date)]).throttle.expect("pause");
        assert!(
            (Duration::from_secs(28)..=Duration::from_secs(30)).contains(&pause),
            "{pause:?}"
        );
        for nonsense in ["", "soon", "-1", "0", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            assert_eq!(
                response(429, &[("retry-after", nonsense)]).throttle,
                None,
                "{nonsense}"
            );
        }
    }

    #[test]
    fn an_exhausted_limit_throttles() {
        let pause = |headers: &[(&'static str, &str)]| response(200, headers).throttle.map(|s| s.as_secs());
        assert_eq!(
            pause(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "7")]),
            Some(7)
        );
        assert_eq!(
            pause(&[("ratelimit-remaining", "1"), ("ratelimit-reset", "7")]),
            None
        );
        assert_eq!(
            pause(&[("ratelimit", "\"hour\";r=9;t=50, \"second\";r=0;t=3")]),
            Some(3)
        );
        let epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs()
            + 100;
        let github = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", &epoch.to_string()),
        ];
        assert!(pause(&github).is_some_and(|s| (98..=100).contains(&s)));
        let refused = response(403, &github);
        assert_eq!(
            (refused.verdict, refused.retriable),
            (BreakerVerdict::Ignored, true)
        );
        assert_eq!(response(200, &github).verdict, BreakerVerdict::Success);
    }

    #[test]
    fn failures_of_the_connection_blame_the_server_that_is_to_blame() {
        for (kind, blamed, retriable) in [
            (TransportErrorKind::Connect, true, true),
            (TransportErrorKind::Cut, true, true),
            (TransportErrorKind::Tls, true, false),
            (TransportErrorKind::Protocol, true, false),
            (TransportErrorKind::Request, false, false),
            (TransportErrorKind::Private, false, false),
        ] {
            let error = TransportError::new(kind, "x");
            let classified = HttpClassify.classify(Attempted::Failed(&error));
            assert_eq!(classified.verdict != BreakerVerdict::Ignored, blamed, "{kind:?}");
            assert_eq!(classified.retriable, retriable, "{kind:?}");
        }
    }
}
