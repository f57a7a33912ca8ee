//! What is printed.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// Names and values, in the order of the names.
#[derive(Default)]
pub(crate) struct Summary(Map<String, Value>);

impl Summary {
    pub(crate) fn put(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// `p50_ms`, `p90_ms` and `p99_ms` of these times, if there are any.
    pub(crate) fn put_percentiles(&mut self, times: &mut [Duration]) -> &mut Self {
        times.sort_unstable();
        for percent in [50, 90, 99] {
            let at = times.len().saturating_sub(1) * percent / 100;
            let value = times.get(at).map(|time| rounded(time.as_secs_f64() * 1000.0));
            self.put(&format!("p{percent}_ms"), json!(value));
        }
        self
    }

    /// One line of JSON, or a line for each name.
    pub(crate) fn print(self, as_json: bool) -> String {
        if as_json {
            return Value::Object(self.0).to_string();
        }
        let lines = self.0.into_iter().map(|(name, value)| format!("{name}: {value}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// With three digits after the point.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
