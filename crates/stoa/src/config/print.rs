//! The configuration as text.

use std::fmt::Write as _;

use super::{Config, KEYS, Key, LISTS};

/// The configuration in force, as TOML, with the origin of each value.
pub(crate) fn show(config: &Config) -> String {
    let values: Vec<_> = config
        .origins
        .iter()
        .map(|(key, text, origin)| (*key, text, origin.to_string()))
        .collect();
    let mut out = String::new();
    sections(&mut out, |out, key| {
        if let Some((_, text, origin)) = values.iter().find(|(k, ..)| k.name == key.name) {
            let _infallible = writeln!(out, "{} = {}  # {origin}", short(key), value(key, text));
        }
    });
    for route in &config.routes {
        let _infallible = writeln!(
            out,
            "\n[[route]]\nmatch = {}\nupstream = {}",
            quoted(&route.patterns.to_string()),
            quoted(&route.upstream.to_string())
        );
    }
    for rule in &config.dispatch.rules {
        let _infallible = writeln!(
            out,
            "\n[[dispatch.lane]]\nmatch = {}",
            quoted(&rule.hosts.to_string())
        );
        for (name, text) in &rule.written {
            let _infallible = writeln!(out, "{name} = {}", quoted(text));
        }
    }
    out
}

/// A file with every key, its meaning and its default, all commented out.
pub(crate) fn sample() -> String {
    let mut out = String::from(
        "# stoa configuration. Every key is shown with its default; remove the # to change it.\n\
         # A flag or an environment variable (STOA_LISTEN, STOA_CACHE_LIST_TTL) wins over this file.\n\n",
    );
    sections(&mut out, |out, key| {
        let _infallible = writeln!(
            out,
            "# {}\n#{} = {}",
            key.help,
            short(key),
            value(key, key.default)
        );
    });
    out.push_str(
        "\n# Modules that match come from elsewhere; the first match wins. May be repeated.\n\
         #[[route]]\n#match = \"corp.example/*,git.corp.example\"\n#upstream = \"https://goproxy.corp.example\"\n\
         \n# Hosts that are held to something else; the first match wins, every key of [dispatch] but lanes and deny may\n\
         # stand in it. May be repeated.\n\
         #[[dispatch.lane]]\n#match = \"*.example.com,mirror.example:8080\"\n#rate = \"200/s\"\n#burst = 50\n",
    );
    out
}

fn sections(out: &mut String, mut line: impl FnMut(&mut String, &Key)) {
    let mut section = "";
    for key in KEYS {
        let this = key.name.split_once('.').map_or("", |(section, _)| section);
        if this != section {
            let _infallible = writeln!(out, "\n[{this}]");
            section = this;
        }
        line(out, key);
    }
}

fn short(key: &Key) -> &'static str {
    key.name.split_once('.').map_or(key.name, |(_, short)| short)
}

/// A value as the file has it.
fn value(key: &Key, text: &str) -> String {
    if !LISTS.contains(&key.name) {
        return quoted(text);
    }
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let items: Vec<_> = items.map(quoted).collect();
    format!("[{}]", items.join(", "))
}

/// Numbers and booleans bare, everything else as a TOML string.
fn quoted(text: &str) -> String {
    let bare =
        matches!(text, "true" | "false") || (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    if bare {
        text.to_owned()
    } else {
        toml::Value::String(text.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, path::PathBuf};

    use super::*;
    use crate::config::{Given, load};

    fn reload(text: &str) -> Config {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        file.write_all(text.as_bytes()).expect("write");
        let given = Given {
            file: Some(file.path().to_owned()),
            ..Given::default()
        };
        load(&given).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
    }

    #[test]
    fn what_is_shown_and_the_sample_can_be_read_again() {
        let data_home = Some(PathBuf::from("/d"));
        let config = load(&Given {
            data_home: data_home.clone(),
            ..Given::default()
        })
        .expect("config");
        assert_eq!(reload(&show(&config)).storage, "file:///d/stoa");
        // Uncommented, the sample is a whole configuration, but for the storage, whose default is not a value.
        let mut uncommented = String::from("storage = \"memory:\"\n");
        for line in sample().lines() {
            let line = line.strip_prefix('#').unwrap_or(line);
            if !line.starts_with(' ') && !line.starts_with("storage") {
                let _infallible = writeln!(uncommented, "{line}");
            }
        }
        let config = reload(&uncommented);
        assert_eq!((config.routes.len(), config.dispatch.rules.len()), (1, 1));
        let shown = reload(&show(&config));
        assert_eq!(
            shown.dispatch.rules[0].settings,
            config.dispatch.rules[0].settings
        );
    }
}
