//! A source whose pages go in a circle.

/// Notices that places come again, however long the circle is, and remembers one of them (Brent's method).
#[derive(Debug, Default)]
pub(super) struct Cycle {
    kept: Option<String>,
    steps: u64,
    until: u64,
}

impl Cycle {
    /// Whether the pages go in a circle, which the next place tells.
    pub(super) fn is_closed_by(&mut self, place: &str) -> bool {
        if self.kept.as_deref() == Some(place) {
            return true;
        }
        self.steps += 1;
        if self.steps >= self.until {
            (self.kept, self.until, self.steps) = (Some(place.to_owned()), 2 * self.until.max(1), 0);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_noticed_and_long_ways_are_none() {
        for (tail, circle) in [(0, 1), (0, 7), (5, 1), (3, 100), (1000, 3)] {
            let mut cycle = Cycle::default();
            let place = |step: u64| {
                if step < tail {
                    step
                } else {
                    tail + (step - tail) % circle
                }
            };
            let noticed = (0..10_000).find(|step| cycle.is_closed_by(&place(*step).to_string()));
            let noticed = noticed.expect("a circle");
            assert!(noticed >= tail + circle, "{tail} {circle}: {noticed}");
            assert!(noticed <= 4 * (tail + circle) + 4, "{tail} {circle}: {noticed}");
        }
        let mut cycle = Cycle::default();
        assert!((0..10_000).all(|step: u64| !cycle.is_closed_by(&step.to_string())));
    }
}
