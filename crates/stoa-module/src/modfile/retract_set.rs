//! Many retractions, asked about many versions.

use crate::{Version, modfile::Retract, semver};

/// The versions that a go.mod retracts, for asking about many of them: each question costs a binary search, however
/// many retractions there are, and also where they overlap.
///
/// ```
/// use stoa_module::{Version, modfile::{Retract, RetractSet}};
///
/// let range = |low: &str, high: &str| Retract {
///     low: low.to_owned(),
///     high: high.to_owned(),
///     rationale: String::new(),
/// };
/// let retracted = [range("v1.0.0", "v1.9.0"), range("v1.1.0", "v1.2.0")];
/// let set = RetractSet::new(&retracted);
/// assert!(set.contains(&Version::parse("v1.5.0").unwrap()));
/// assert!(!set.contains(&Version::parse("v2.0.0+incompatible").unwrap()));
/// ```
#[derive(Clone, Debug)]
pub struct RetractSet<'a> {
    /// By their lower bounds, each with the highest upper bound up to there: a version is retracted if the highest
    /// bound of those that begin at or below it is not below it.
    ranges: Vec<(&'a str, &'a str)>,
}

impl<'a> RetractSet<'a> {
    /// What these retract together.
    pub fn new(retracted: &'a [Retract]) -> Self {
        let lows: Vec<&str> = retracted.iter().map(|range| range.low.as_str()).collect();
        let order = semver::order(&lows);
        let mut ranges: Vec<(&str, &str)> = Vec::with_capacity(retracted.len());
        for range in order.into_iter().map(|index| &retracted[index]) {
            let high = match ranges.last() {
                Some((_, highest)) if semver::compare(highest, &range.high).is_ge() => highest,
                _ => range.high.as_str(),
            };
            ranges.push((&range.low, high));
        }
        Self { ranges }
    }

    /// Whether `version` is in one of the ranges, as [`Retract::contains`] says.
    pub fn contains(&self, version: &Version) -> bool {
        let version = version.as_str();
        let below = self
            .ranges
            .partition_point(|(low, _)| semver::compare(low, version).is_le());
        below > 0 && semver::compare(version, self.ranges[below - 1].1).is_le()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            (0_u8..3, 0_u8..4, 0_u8..3).prop_map(|(a, b, c)| format!("v{a}.{b}.{c}")),
            (0_u8..3, 0_u8..4).prop_map(|(a, b)| format!("v{a}.{b}.0-rc.1")),
            Just("nonsense".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn it_contains_what_one_of_its_ranges_does(
            bounds in prop::collection::vec((text(), text()), 0..12),
            asked in prop::collection::vec(text(), 0..12),
        ) {
            let range = |(low, high)| Retract { low, high, rationale: String::new() };
            let ranges: Vec<Retract> = bounds.into_iter().map(range).collect();
            let set = RetractSet::new(&ranges);
            for version in asked.iter().filter_map(|text| Version::parse(text).ok()) {
                let one_by_one = ranges.iter().any(|range| range.contains(&version));
                prop_assert_eq!(set.contains(&version), one_by_one, "{} in {:?}", version, ranges);
            }
        }
    }
}
