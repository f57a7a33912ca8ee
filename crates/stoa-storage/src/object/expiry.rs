//! When credentials end that say so themselves.

use std::time::{Duration, SystemTime};

use stoa_module::Rfc3339;

/// When a shared access signature ends, which its pair `se` says: as a time, with seconds or without, or as a date.
pub(super) fn of_signature(pairs: &[(String, String)]) -> Option<SystemTime> {
    let (_, text) = pairs.iter().find(|(name, _)| name == "se")?;
    let text = match (text.len(), text.strip_suffix('Z')) {
        (10, None) => format!("{text}T00:00:00Z"),
        (_, Some(time)) if time.matches(':').count() == 1 => format!("{time}:00Z"),
        _ => text.clone(),
    };
    let time = Rfc3339::parse(text.as_bytes())?;
    let seconds = u64::try_from(time.unix()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_says_when_it_ends() {
        let of = |text: &str| {
            let pairs = [
                ("sp".to_owned(), "r".to_owned()),
                ("se".to_owned(), text.to_owned()),
            ];
            let time = of_signature(&pairs)?;
            time.duration_since(SystemTime::UNIX_EPOCH)
                .ok()
                .map(|since| since.as_secs())
        };
        for (text, want) in [
            ("1970-01-02T00:00:01Z", Some(86_401)),
            ("1970-01-02T00:00Z", Some(86_400)),
            ("1970-01-02", Some(86_400)),
            ("1970-01-02T02:00:00+02:00", Some(86_400)),
            ("1969-01-02", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
        assert_eq!(of_signature(&[]), None);
    }
}
