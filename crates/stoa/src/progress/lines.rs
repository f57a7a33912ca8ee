//! Progress in plain lines, for logs.

use std::{io::Write, time::Duration};

use indicatif::HumanBytes;
use tokio::time::Instant;

use super::{
    speed::{Speed, short},
    standing::Standing,
};

/// How long nothing is said at most.
const SILENCE: Duration = Duration::from_secs(10);

/// Says how far jobs have come, in a line for each tenth that is done, and one in ten seconds in any case.
#[derive(Debug)]
pub(crate) struct Lines<W> {
    to: W,
    speed: Speed,
    said: Instant,
    tenths: u64,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to,
            speed: Speed::new(),
            said: Instant::now(),
            tenths: 0,
        }
    }

    /// Says how far `what` has come, if it is time.
    pub(crate) fn show(&mut self, what: &str, standing: &Standing) {
        self.speed.look(standing.bytes);
        let (done, all) = standing.parts();
        let left = self.speed.left(done, all);
        let tenths = done.saturating_mul(10).checked_div(all).unwrap_or(0);
        // What has ended gets its last line.
        let is_over = standing.ended() >= standing.all;
        if is_over || tenths <= self.tenths && self.said.elapsed() < SILENCE {
            return;
        }
        (self.tenths, self.said) = (self.tenths.max(tenths), Instant::now());
        let mut parts = vec![standing.counts()];
        parts.extend(self.speed.rate().map(|rate| format!("{}/s", HumanBytes(rate))));
        parts.extend(left.map(|left| format!("{} left", short(left))));
        self.say(&format!("{what}: {}", parts.join(", ")));
    }

    /// Says what it has come to.
    pub(crate) fn end(&mut self, what: &str, standing: &Standing) {
        let line = format!("{what}: {} in {}", standing.counts(), short(self.speed.elapsed()));
        self.say(&line);
    }

    fn say(&mut self, line: &str) {
        // Who closes standard error wants no progress.
        let _closed = writeln!(self.to, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_tenth_is_a_line_and_silence_is_short() {
        let mut lines = Lines::new(Vec::new());
        let standing = |done| Standing {
            done,
            all: 20,
            bytes: done * 1_024,
            ..Standing::default()
        };
        for done in [0, 0, 1, 2, 2, 3, 4, 12, 20] {
            lines.show("go.sum", &standing(done));
            tokio::time::advance(Duration::from_secs(4)).await;
        }
        lines.end("go.sum", &standing(20));
        let text = String::from_utf8(lines.to).expect("text");
        let want = "\
            go.sum: 2 of 20 done, 2.00 KiB, 170 B/s, 1m48s left\n\
            go.sum: 4 of 20 done, 4.00 KiB, 170 B/s, 1m36s left\n\
            go.sum: 12 of 20 done, 12.00 KiB, 853 B/s, 18s left\n\
            go.sum: 20 of 20 done, 20.00 KiB in 36s\n";
        assert_eq!(text, want);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_long_hears_something() {
        let mut lines = Lines::new(Vec::new());
        for _ in 0..25 {
            lines.show("a", &Standing::unknown());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let text = String::from_utf8(lines.to).expect("text");
        assert_eq!(text, "a: 0 of 1 done\na: 0 of 1 done\n");
    }
}
