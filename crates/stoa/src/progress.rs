//! Progress of long work, shown when standard error is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of bytes; without a total it counts up. Hidden when standard error is no terminal.
pub(crate) fn bytes(total: Option<u64>, what: &str) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ),
        None => (
            ProgressBar::no_length(),
            "{spinner} {msg} {bytes} {bytes_per_sec}",
        ),
    };
    styled(bar, template, what)
}

/// A count that goes up.
pub(crate) fn count(what: &str) -> ProgressBar {
    styled(ProgressBar::no_length(), "{spinner} {msg}", what)
}

fn styled(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
