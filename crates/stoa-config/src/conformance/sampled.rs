//! What [`sample`](crate::sample()) prints.

use std::fmt::Write as _;

use crate::tables::Tables;

/// The keys and tables of a sample without the marks of comments, so that it can be read as a file. What is only
/// explained stays out of it, and so do the keys in `but`, which have no value in the sample.
pub fn uncommented(sample: &str, but: &[&str]) -> String {
    let mut uncommented = String::new();
    for line in sample.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        let key = line.split(" = ").next().unwrap_or_default();
        if !line.starts_with(' ') && !but.contains(&key) {
            let _infallible = writeln!(uncommented, "{line}");
        }
    }
    uncommented
}

/// The keys that a sample neither shows nor explains, each with its table. Empty for a good sample. Keys that two tables
/// share are explained in one of them.
pub fn unsampled(tables: &Tables, sample: &str) -> Vec<String> {
    let mut lacking = Vec::new();
    for table in tables.all() {
        for key in table.keys.iter().chain(table.one_of) {
            let (shown, explained) = (format!("#{} = ", key.name), format!("# {}: ", key.name));
            if !sample
                .lines()
                .any(|line| line.starts_with(&shown) || line.starts_with(&explained))
            {
                lacking.push(table.path(key.name));
            }
        }
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lab, sample};

    #[test]
    fn a_sample_has_every_key_and_lacks_what_is_taken_from_it() {
        let (tables, sample) = (lab::tables(), sample(&lab::tables()));
        assert_eq!(unsampled(&tables, &sample), Vec::<String>::new());
        let without = sample.replace("#list_ttl = ", "#").replace("# subdir: ", "# ");
        assert_eq!(
            unsampled(&tables, &without),
            ["cache.list_ttl", "site.page.subdir"]
        );
    }

    #[test]
    fn what_is_uncommented_is_keys_and_headers() {
        let sample = "# a\n\n# help\n#listen = \":80\"\n#storage = \"\"\n\n[cache]\n# A lane.\n#[[lane]]\n# rate: more\n";
        assert_eq!(
            uncommented(sample, &["storage"]),
            "\nlisten = \":80\"\n\n[cache]\n[[lane]]\n"
        );
    }
}
