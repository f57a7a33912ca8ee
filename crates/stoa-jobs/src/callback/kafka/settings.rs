//! Settings of librdkafka.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use rdkafka::{error::KafkaError, types::RDKafkaConfRes};

/// Parts of the names of settings that are secret, or have secrets in them,
const SECRET: [&str; 8] = [
    "password",
    "secret",
    "pem",
    "key",
    "jaas",
    "token",
    "assertion",
    "oauthbearer.config",
];
/// and how names end of which that is not so: paths.
const PATH: &str = ".location";
/// So many bytes in a row are taken for a part of a secret.
const PART: usize = 6;
/// What is said instead of a text that has a part of a secret.
const HIDDEN: &str = "what librdkafka says of it has a secret in it";

/// Settings of librdkafka by their names, all of which it is passed. Their values may be secrets, so they are not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KafkaSettings(BTreeMap<String, String>);

/// Settings with which there is no producer. It says no value that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KafkaSettingsError {
    /// A line is no setting. What it has is not said.
    #[error("line {0}: a setting is written NAME=VALUE")]
    Line(usize),
    /// A setting is there twice.
    #[error("line {line}: {name} is set above, too")]
    Twice {
        /// The line of the second one.
        line: usize,
        /// The setting.
        name: String,
    },
    /// A setting has to be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// librdkafka has no such setting.
    #[error("librdkafka has no setting {0:?}")]
    Unknown(String),
    /// librdkafka does not take a value.
    #[error("{name}: {why}")]
    Value {
        /// The setting.
        name: String,
        /// What librdkafka says.
        why: String,
    },
    /// A value is not fit for callbacks.
    #[error("{name}: {why}")]
    Unfit {
        /// The setting.
        name: &'static str,
        /// Why.
        why: &'static str,
    },
    /// The settings do not fit one another, or the machine.
    #[error("librdkafka makes no producer: {0}")]
    Producer(String),
}

impl KafkaSettings {
    /// Reads settings, one `NAME=VALUE` a line. Empty lines, and those with `#` first, say nothing.
    ///
    /// # Errors
    /// If a line is no setting, or sets again what is set already.
    pub fn parse(text: &str) -> Result<Self, KafkaSettingsError> {
        let mut settings = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let setting = text
                .split_once('=')
                .map(|(name, value)| (name.trim_end(), value.trim_start()));
            let Some((name, value)) = setting.filter(|(name, _)| !name.is_empty()) else {
                return Err(KafkaSettingsError::Line(line));
            };
            if settings.insert(name.to_owned(), value.to_owned()).is_some() {
                let name = name.to_owned();
                return Err(KafkaSettingsError::Twice { line, name });
            }
        }
        Ok(Self(settings))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A text of librdkafka, or [`HIDDEN`] if it has a secret of these settings, or a part of one.
    pub(super) fn without_secrets<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let is_secret = |name: &str| SECRET.iter().any(|part| name.contains(part)) && !name.ends_with(PATH);
        let mut secrets = self.iter().filter(|(name, _)| is_secret(name));
        let leaks = secrets.any(|(_, value)| {
            let value = value.as_bytes();
            let part = value.len().min(PART);
            part > 0
                && value
                    .windows(part)
                    .any(|secret| text.as_bytes().windows(part).any(|window| window == secret))
        });
        Cow::Borrowed(if leaks { HIDDEN } else { text })
    }

    /// What a failure to make a producer of these settings is.
    pub(super) fn error(&self, error: &KafkaError) -> KafkaSettingsError {
        match error {
            KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
                KafkaSettingsError::Unknown(name.clone())
            }
            KafkaError::ClientConfig(_, why, name, _) => KafkaSettingsError::Value {
                name: name.clone(),
                why: self.without_secrets(why).into_owned(),
            },
            KafkaError::ClientCreation(why) => {
                KafkaSettingsError::Producer(self.without_secrets(why).into_owned())
            }
            // A name or a value with a zero byte in it, which the error would show.
            KafkaError::Nul(_) => KafkaSettingsError::Producer("a setting has a zero byte".to_owned()),
            error => KafkaSettingsError::Producer(format!("{:?}", error.rdkafka_error_code())),
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for KafkaSettings {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(settings: T) -> Self {
        let settings = settings.into_iter();
        Self(
            settings
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_setting_a_line() {
        let text = "# brokers\nbootstrap.servers = a:9092,b:9092\n\n  sasl.password==x # y\r\nclient.rack=\n";
        let want = [
            ("bootstrap.servers", "a:9092,b:9092"),
            ("sasl.password", "=x # y"),
            ("client.rack", ""),
        ];
        let read = KafkaSettings::parse(text).expect("settings");
        assert_eq!(read, want.into_iter().collect());
        assert_eq!(
            format!("{read:?}"),
            r#"{"bootstrap.servers", "client.rack", "sasl.password"}"#
        );
        for (text, want) in [
            ("a=b\nhunter2\n", "line 2: a setting is written NAME=VALUE"),
            ("=hunter2", "line 1: a setting is written NAME=VALUE"),
            ("a=b\n#\na=hunter2", "line 3: a is set above, too"),
        ] {
            assert_eq!(KafkaSettings::parse(text).expect_err(text).to_string(), want);
        }
    }

    #[test]
    fn texts_with_parts_of_secrets_are_hidden() {
        let settings = KafkaSettings::from_iter([
            ("sasl.password", "correct horse"),
            ("ssl.key.password", "ab"),
            ("ssl.key.location", "/etc/key.pem"),
            ("sasl.username", "somebody"),
            ("sasl.oauthbearer.client.secret", ""),
        ]);
        for text in ["no /etc/key.pem of somebody", "corre", "", "a"] {
            assert_eq!(settings.without_secrets(text), text);
        }
        for text in ["beginning at: ct horse", "correct horse", "xaby"] {
            assert_eq!(settings.without_secrets(text), HIDDEN, "{text}");
        }
    }
}
