//! Progress of long work, shown on standard error.

mod bars;
mod board;
mod lines;
mod speed;
mod standing;

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use self::{board::Board, standing::Standing};

/// A bar that shows a zip while it arrives. It disappears when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct ZipBar {
    name: String,
    bar: Option<ProgressBar>,
}

impl ZipBar {
    /// What is shown beside the bar.
    pub(crate) fn name(&mut self, name: String) {
        self.name = name;
    }

    /// Shows a bar of `total` bytes; without a total it counts up.
    pub(crate) fn start(&mut self, total: Option<u64>) {
        self.bar = Some(bytes(total, &self.name));
    }

    /// How many bytes there are by now.
    pub(crate) fn at(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }
}

impl Drop for ZipBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bytes(total: Option<u64>, what: &str) -> ProgressBar {
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

/// Bytes that go up to so many, with what is counted beside them; of a source that tells none beforehand, only what is counted.
pub(crate) fn taken(total: u64, what: &str) -> ProgressBar {
    let (bar, template) = match total {
        0 => (ProgressBar::no_length(), "{spinner} {msg}"),
        total => (
            ProgressBar::new(total),
            "{msg} [{bar:20}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
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
