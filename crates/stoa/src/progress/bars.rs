//! Progress in bars, for people.

use std::time::Duration;

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    speed::{Speed, short},
    standing::{Standing, Transfer},
};

/// How many transfers have a bar at a time.
const MOST: usize = 8;
const TOTAL: &str = "[{bar:24.green}] {pos}/{len} {wide_msg}";
const KNOWN: &str = "{wide_msg} {bytes}/{total_bytes} {bytes_per_sec} {eta} [{bar:12.green}]";
const UNKNOWN: &str = "{wide_msg} {bytes} {bytes_per_sec}";

/// A bar for each of the first transfers that run, and below them one for everything. They disappear when this is dropped.
/// They are as wide as the terminal, and have no colours where `NO_COLOR` is set.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    files: Vec<(Transfer, ProgressBar)>,
    speed: Speed,
}

impl Bars {
    pub(crate) fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let total = all.add(ProgressBar::new(0));
        total.set_style(style(TOTAL));
        total.enable_steady_tick(Duration::from_millis(250));
        Self {
            all,
            total,
            files: Vec::new(),
            speed: Speed::new(),
        }
    }

    /// Shows how far it has come.
    pub(crate) fn show(&mut self, standing: &Standing) {
        let all = &self.all;
        self.files.retain(|(file, bar)| {
            let runs = standing.running.iter().any(|running| running.id == file.id);
            if !runs {
                bar.finish_and_clear();
                all.remove(bar);
            }
            runs
        });
        for running in &standing.running {
            self.transfer(running);
        }
        self.speed.look(standing.bytes);
        self.total.set_length(standing.all);
        self.total.set_position(standing.ended());
        let (done, all) = standing.parts();
        let left = self.speed.left(done, all);
        let mut text = vec!["done".to_owned()];
        text.extend((standing.failed > 0).then(|| format!("{} failed", standing.failed)));
        text.extend((standing.bytes > 0).then(|| HumanBytes(standing.bytes).to_string()));
        text.extend(self.speed.rate().map(|rate| format!("{}/s", HumanBytes(rate))));
        text.extend(left.map(|left| format!("{} left", short(left))));
        self.total.set_message(text.join(", "));
    }

    fn transfer(&mut self, running: &Transfer) {
        let place = self.files.iter_mut().find(|(file, _)| file.id == running.id);
        if let Some((file, bar)) = place {
            if file.total != running.total {
                measure(bar, running.total);
            }
            bar.set_position(running.bytes);
            file.clone_from(running);
            return;
        }
        if self.files.len() >= MOST {
            return;
        }
        let bar = self.all.insert_before(&self.total, ProgressBar::no_length());
        measure(&bar, running.total);
        bar.set_message(running.title.clone());
        bar.set_position(running.bytes);
        self.files.push((running.clone(), bar));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for (_, bar) in &self.files {
            bar.finish_and_clear();
        }
        self.total.finish_and_clear();
    }
}

fn measure(bar: &ProgressBar, total: Option<u64>) {
    match total {
        Some(total) => {
            bar.set_length(total);
            bar.set_style(style(KNOWN));
        }
        None => bar.set_style(style(UNKNOWN)),
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
