//! What becomes of a job when its server or its node says no.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, StatusCode,
    header::{DATE, RETRY_AFTER},
};

use super::{
    transport::{TransportError, TransportFault},
    validator::text,
};
use crate::{Ended, Failure, Job, Outcome};

/// The longest pause that a server is granted, and the shortest.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// How often in a row a server puts a job off free of charge. Then each time is a failed run, so that no job lives for ever
/// on promises.
const FREE_PAUSES: usize = 10;
/// How long a job waits when its node has too much to send.
const OVERLOADED: Duration = Duration::from_secs(5);

/// A failure after which another run may do better.
pub(crate) fn retry(class: &str, text: &str) -> Outcome {
    Outcome::Retry {
        failure: Failure::new(class, text),
        after: None,
    }
}

/// A failure that no other run would mend.
pub(crate) fn dead(class: &str, text: &str) -> Outcome {
    Outcome::Dead(Failure::new(class, text))
}

/// What becomes of a job whose request or response broke off.
pub(crate) fn of_error(error: &TransportError) -> Outcome {
    let failure = Failure::new(error.fault.class(), &error.text);
    match error.fault {
        TransportFault::Connect
        | TransportFault::Dns
        | TransportFault::Timeout
        | TransportFault::Cut
        | TransportFault::Protocol => Outcome::Retry { failure, after: None },
        TransportFault::Tls | TransportFault::Refused | TransportFault::TooManyRedirects => {
            Outcome::Dead(failure)
        }
        TransportFault::Paused { retry_after } => Outcome::Snooze {
            failure,
            wait: retry_after.clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
        },
        TransportFault::Overloaded => Outcome::Snooze {
            failure,
            wait: OVERLOADED.mul_f64(0.5 + fastrand::f64() / 2.0),
        },
        TransportFault::Draining => Outcome::Interrupted(failure),
    }
}

/// What becomes of a job whose server answered with a status that is no success.
///
/// * 429 and 503 with a `Retry-After` put it off, ten times in a row at most.
/// * 202 (there may be content later), 408, 425, 429, and 5xx other than 501 are worth another run; a `Retry-After` is the
///   shortest pause before it.
/// * Everything else is the end: other 4xx; 501; 204 and 205, which have no content to keep; and what is left of 3xx, such as a
///   redirect to nowhere, or a 304 to a request that was not conditional.
pub(crate) fn of_status(status: StatusCode, headers: &HeaderMap, job: &Job) -> Outcome {
    let failure = Failure::new("status", &format!("the server answered {}", status.as_u16()));
    let after = retry_after(headers, SystemTime::now());
    let wants_pause = matches!(status.as_u16(), 429 | 503);
    if let Some(wait) = after.filter(|_| wants_pause && pauses(job) < FREE_PAUSES) {
        return Outcome::Snooze { failure, wait };
    }
    match status.as_u16() {
        202 | 408 | 425 | 429 | 500 | 502.. => Outcome::Retry { failure, after },
        _ => Outcome::Dead(failure),
    }
}

/// How often in a row the job was put off just now.
fn pauses(job: &Job) -> usize {
    let attempts = job.attempts.iter().rev();
    attempts
        .take_while(|attempt| attempt.ended == Ended::Snoozed)
        .count()
}

/// The pause that a server asks for, in seconds or as a date. A date counts from the server's own, so that its clock may be
/// wrong.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        value.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        let date = |text: &str| httpdate::parse_http_date(text).ok();
        let sent = text(headers, &DATE).and_then(|sent| date(&sent)).unwrap_or(now);
        date(&value)?.duration_since(sent).unwrap_or_default()
    };
    Some(wait.clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn wait(value: &'static str, date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        let now = httpdate::parse_http_date("Thu, 01 Jan 2026 00:00:00 GMT").expect("a date");
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn pauses_are_read_and_bounded() {
        assert_eq!(wait("3", None), Some(3));
        assert_eq!(wait("0", None), Some(1));
        assert_eq!(wait("99999999999999999999999", None), Some(24 * 3600));
        assert_eq!(wait("Thu, 01 Jan 2026 00:02:00 GMT", None), Some(120));
        let sent = Some("Thu, 01 Jan 2026 00:01:50 GMT");
        assert_eq!(wait("Thu, 01 Jan 2026 00:02:00 GMT", sent), Some(10));
        assert_eq!(wait("Wed, 01 Jan 2020 00:00:00 GMT", None), Some(1));
        for text in ["-1", "1.5", "soon", ""] {
            assert_eq!(wait(text, None), None, "{text}");
        }
    }
}
