//! Which bucket.

use crate::error::StorageError;

/// Whose protocol a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// S3 of Amazon, and what speaks it: `MinIO`, Ceph, Garage, R2.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// A bucket (at Azure a container), and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPlace {
    /// Whose protocol it speaks.
    pub provider: Provider,
    /// The bucket's name.
    pub bucket: String,
    /// What every key begins with, without a slash at either end; may be empty.
    pub prefix: String,
}

impl Provider {
    /// The scheme of its URLs.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }

    /// The provider of this scheme.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        [Self::S3, Self::Google, Self::Azure]
            .into_iter()
            .find(|provider| provider.scheme() == scheme)
    }
}

impl ObjectPlace {
    /// Reads `//bucket/prefix`, which follows the scheme of `provider` and its colon.
    ///
    /// # Errors
    /// When it is anything else. Nothing of it is repeated where it may hold a secret.
    pub fn parse(provider: Provider, rest: &str) -> Result<Self, StorageError> {
        let scheme = provider.scheme();
        let invalid = |reason: &str| StorageError::InvalidUrl {
            reason: format!("{reason}: write {scheme}://BUCKET or {scheme}://BUCKET/PREFIX"),
        };
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(invalid("it names no bucket"));
        };
        if rest.contains('@') {
            return Err(invalid(
                "it holds credentials, which belong in storage_options or the environment",
            ));
        }
        if rest.contains(['?', '#', '%']) {
            return Err(invalid("it has options or escapes"));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if bucket.is_empty() || !bucket.chars().all(is_name) || bucket.starts_with('.') {
            return Err(invalid("it names no bucket"));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let is_element = |element: &str| {
            !matches!(element, "" | "." | "..")
                && element
                    .chars()
                    .all(|c| c.is_ascii_graphic() && !"\\*?\"<>|".contains(c))
        };
        if !prefix.is_empty() && !prefix.split('/').all(is_element) {
            return Err(invalid(
                "its prefix has an empty element, a dot alone or an unusual character",
            ));
        }
        Ok(Self {
            provider,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// The place as a URL, which ends in a slash.
    pub fn base(&self) -> String {
        let scheme = self.provider.scheme();
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{scheme}://{}/{}{slash}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_buckets_and_prefixes() {
        for (rest, bucket, prefix, base) in [
            ("//modules", "modules", "", "s3://modules/"),
            ("//modules/", "modules", "", "s3://modules/"),
            (
                "//my.modules/go/proxy",
                "my.modules",
                "go/proxy",
                "s3://my.modules/go/proxy/",
            ),
            ("//m/go/", "m", "go", "s3://m/go/"),
        ] {
            let place = ObjectPlace::parse(Provider::S3, rest).unwrap();
            assert_eq!(
                (place.bucket.as_str(), place.prefix.as_str()),
                (bucket, prefix),
                "{rest}"
            );
            assert_eq!(place.base(), base);
        }
    }

    #[test]
    fn refuses_everything_else_without_telling_secrets() {
        for (rest, part) in [
            ("modules", "names no bucket"),
            ("//", "names no bucket"),
            ("///prefix", "names no bucket"),
            ("//..", "names no bucket"),
            ("//key:secret@bucket", "belong in storage_options"),
            ("//bucket?secret=1", "options or escapes"),
            ("//bucket/a//b", "its prefix"),
            ("//bucket/../b", "its prefix"),
            ("//bucket/a b", "its prefix"),
        ] {
            let error = ObjectPlace::parse(Provider::Azure, rest).unwrap_err().to_string();
            assert!(
                error.contains(part) && error.contains("az://BUCKET"),
                "{rest}: {error}"
            );
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
