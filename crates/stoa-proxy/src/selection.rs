//! One version out of a list.

use stoa_module::{ModulePath, Version};

use crate::{QueryError, choose::Pick};

/// Which of the listed versions is wanted. Releases come before prereleases; retracted versions are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// `latest`: the highest.
    Latest,
    /// `v1`, `v1.2`: the highest that begins so, but no prerelease of the first one.
    Prefix { prefix: String, first: Version },
    /// `<v1.5.0`, `<=`, `>`, `>=`: the one closest to the bound.
    Compare { operator: Operator, bound: Version },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longer operators first, since the shorter ones are their beginnings.
const OPERATORS: [(&str, Operator); 4] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Selection {
    /// `None` if the query names one version or revision.
    pub(crate) fn parse(query: &str) -> Result<Option<Self>, QueryError> {
        if query == "latest" || query == "upgrade" {
            return Ok(Some(Self::Latest));
        }
        let first = |text: &str| Version::canonicalize(text).filter(|_| is_prefix(text));
        if let Some((text, operator)) = OPERATORS.iter().find(|(text, _)| query.starts_with(text)) {
            let bound = &query[text.len()..];
            let (text, query) = (bound.to_owned(), query.to_owned());
            let bound = match (first(bound), operator) {
                (Some(bound), Operator::Less | Operator::GreaterOrEqual) => bound,
                (Some(version), _) => {
                    let version = version.to_string();
                    return Err(QueryError::Ambiguous { version, query });
                }
                (None, _) => {
                    Version::parse(bound).map_err(|_| QueryError::Invalid { version: text, query })?
                }
            };
            let operator = *operator;
            return Ok(Some(Self::Compare { operator, bound }));
        }
        Ok(first(query).map(|first| Self::Prefix {
            prefix: format!("{query}."),
            first,
        }))
    }

    /// Which of the versions that match.
    pub(crate) fn pick(&self) -> Pick {
        match self {
            Self::Compare {
                operator: Operator::Greater | Operator::GreaterOrEqual,
                ..
            } => Pick::Lowest,
            _ => Pick::Highest,
        }
    }

    /// Whether the query names this version, whatever go.mod files say.
    pub(crate) fn matches(&self, version: &Version) -> bool {
        match self {
            Self::Latest => true,
            Self::Prefix { prefix, first } => version.as_str().starts_with(prefix) && version >= first,
            Self::Compare { operator, bound } => match operator {
                Operator::Less => version < bound,
                Operator::LessOrEqual => version <= bound,
                Operator::Greater => version > bound,
                Operator::GreaterOrEqual => version >= bound,
            },
        }
    }

    /// Whether the query names a major version that the path does not have: then `+incompatible` versions are meant.
    pub(crate) fn is_of_another_major(&self, path: &ModulePath) -> bool {
        let (Self::Prefix { first: version, .. } | Self::Compare { bound: version, .. }) = self else {
            return false;
        };
        path.split().1.check(version.as_str()).is_err()
    }
}

/// Whether it is `v1` or `v1.2`.
fn is_prefix(text: &str) -> bool {
    let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    text.matches('.').count() < 2 && text.strip_prefix('v').is_some_and(|n| n.split('.').all(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect(text)
    }

    #[test]
    fn a_prefix_leaves_out_what_only_leads_to_it() {
        let v1 = Selection::parse("v1").expect("query").expect("selection");
        for (text, want) in [
            ("v1.0.0-rc.1", false),
            ("v1.0.0", true),
            ("v1.1.0-rc.1", true),
            ("v10.0.0", false),
        ] {
            assert_eq!(v1.matches(&version(text)), want, "{text}");
        }
    }
}
