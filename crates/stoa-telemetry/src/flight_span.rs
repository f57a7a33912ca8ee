//! The span of work that several requests share.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tracing::{Span, info_span};

/// How many requests a flight names. Of later ones it only says how many there are.
const NAMED: usize = 16;

/// The span `flight{id=N requests="a b c"}` of work that several requests wait for. Cheap to clone.
///
/// Its lines are found by the id of each request that waits, because the field `requests` is recorded anew when one
/// joins. The requests' own spans have a line with the number of the flight.
#[derive(Clone, Debug)]
pub struct FlightSpan {
    flight: Arc<Flight>,
}

#[derive(Debug)]
struct Flight {
    id: u64,
    span: Span,
    requests: Mutex<Requests>,
}

#[derive(Debug)]
struct Requests {
    named: Vec<Box<str>>,
    others: u64,
}

impl FlightSpan {
    /// The span of a new flight that the request with this id starts. Call it in the span of that request: it logs
    /// `started flight N` there.
    pub fn new(first_request_id: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let span = info_span!(parent: None, "flight", id, requests = first_request_id);
        tracing::debug!("started flight {id}");
        let requests = Requests {
            named: vec![first_request_id.into()],
            others: 0,
        };
        let flight = Flight {
            id,
            span,
            requests: Mutex::new(requests),
        };
        Self {
            flight: Arc::new(flight),
        }
    }

    /// Says that the request with this id waits for the flight too. Call it in the span of that request: it logs
    /// `joined flight N` there.
    pub fn join(&self, request_id: &str) {
        tracing::debug!("joined flight {}", self.flight.id);
        if self.flight.span.is_disabled() {
            return;
        }
        // Recorded under the lock, so that the text recorded last names every request.
        let mut requests = self.flight.requests.lock();
        if requests.add(request_id) {
            self.flight.span.record("requests", requests.text());
        }
    }

    /// The span, to run the flight in.
    pub fn span(&self) -> &Span {
        &self.flight.span
    }

    /// The number of the flight in this process.
    pub fn id(&self) -> u64 {
        self.flight.id
    }
}

impl Requests {
    /// Whether the text changed.
    fn add(&mut self, id: &str) -> bool {
        if self.named.iter().any(|named| **named == *id) {
            return false;
        }
        if self.named.len() < NAMED {
            self.named.push(id.into());
        } else {
            self.others += 1;
        }
        true
    }

    fn text(&self) -> String {
        let mut text = self.named.join(" ");
        if self.others > 0 {
            let _infallible = write!(text, " +{}", self.others);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_names_sixteen_requests_and_counts_the_others() {
        let mut requests = Requests {
            named: vec!["r0".into()],
            others: 0,
        };
        assert!(!requests.add("r0"));
        for i in 1..=15 {
            assert!(requests.add(&format!("r{i}")));
        }
        assert!(requests.text().ends_with(" r14 r15"), "{}", requests.text());
        assert!(requests.add("r16") && requests.add("r17") && !requests.add("r3"));
        assert!(requests.text().ends_with(" r14 r15 +2"), "{}", requests.text());
    }
}
