//! Header fields as a text.

use std::{collections::BTreeMap, fmt, str::FromStr};

use http::{HeaderName, HeaderValue};
use stoa_config::HIDDEN;

/// Header fields, one in a line. They may hold secrets, and only their names are shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    pub(crate) fields: BTreeMap<String, String>,
}

impl Headers {
    /// What is shown of a text: the names.
    pub(super) fn shown(&self, _text: &str) -> String {
        let lines: Vec<_> = self
            .fields
            .keys()
            .map(|name| format!("{name}: {HIDDEN}"))
            .collect();
        lines.join("\n")
    }
}

impl FromStr for Headers {
    type Err = String;

    /// What is wrong is told by the number of the line, which may hold a secret.
    fn from_str(text: &str) -> Result<Self, String> {
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let fields = lines.map(|(number, line)| {
            let field = line.split_once(':').filter(|(name, value)| {
                name.parse::<HeaderName>().is_ok() && value.trim().parse::<HeaderValue>().is_ok()
            });
            let (name, value) =
                field.ok_or_else(|| format!("line {} is no header field: write NAME: VALUE", number + 1))?;
            Ok::<_, String>((name.to_owned(), value.trim().to_owned()))
        });
        Ok(Self {
            fields: fields.collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.keys()).finish()
    }
}
