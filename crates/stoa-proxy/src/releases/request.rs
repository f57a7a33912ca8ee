//! What can be asked of release archives.

use super::name::{ReleaseName, ReleaseNameError};

/// Which releases an index has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexKind {
    /// The latest of those that are supported.
    Recent,
    /// All there are.
    All,
}

/// What can be asked of release archives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseRequest {
    /// A page for people.
    Page,
    /// What there is.
    Index(IndexKind),
    /// An archive.
    Archive(ReleaseName),
    /// The SHA-256 of an archive.
    Checksum(ReleaseName),
    /// The signature of an archive.
    Signature(ReleaseName),
}

impl IndexKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Recent, Self::All];

    /// The query that asks for it.
    pub fn query(self) -> &'static str {
        match self {
            Self::Recent => "mode=json",
            Self::All => "mode=json&include=all",
        }
    }

    /// What it is called where it is kept.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Recent => "recent",
            Self::All => "all",
        }
    }
}

impl ReleaseRequest {
    /// What is asked with this query and without the name of a file.
    pub fn of_query(query: Option<&str>) -> Self {
        let has = |pair: &str| query.is_some_and(|query| query.split('&').any(|given| given == pair));
        match (has("mode=json"), has("include=all")) {
            (false, _) => Self::Page,
            (true, false) => Self::Index(IndexKind::Recent),
            (true, true) => Self::Index(IndexKind::All),
        }
    }

    /// What is asked with the name of a file.
    ///
    /// # Errors
    /// [`ReleaseNameError`] if no file can have this name.
    pub fn of_file(name: &str) -> Result<Self, ReleaseNameError> {
        if let Some(archive) = name.strip_suffix(".sha256") {
            return archive.parse().map(Self::Checksum);
        }
        if let Some(archive) = name.strip_suffix(".asc") {
            return archive.parse().map(Self::Signature);
        }
        name.parse().map(Self::Archive)
    }

    /// The kind, as logs and metrics name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Page => "release_page",
            Self::Index(_) => "release_index",
            Self::Archive(_) => "release_archive",
            Self::Checksum(_) => "release_checksum",
            Self::Signature(_) => "release_signature",
        }
    }

    /// The media type of answers, none of which a browser runs.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Index(_) => "application/json",
            Self::Archive(_) => "application/octet-stream",
            Self::Page | Self::Checksum(_) | Self::Signature(_) => "text/plain; charset=utf-8",
        }
    }

    /// Whether the answer may change.
    pub fn is_mutable(&self) -> bool {
        matches!(self, Self::Page | Self::Index(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_an_index() {
        for (query, want) in [
            (None, ReleaseRequest::Page),
            (Some(""), ReleaseRequest::Page),
            (Some("mode=html"), ReleaseRequest::Page),
            (Some("mode=json"), ReleaseRequest::Index(IndexKind::Recent)),
            (
                Some("mode=json&include=all"),
                ReleaseRequest::Index(IndexKind::All),
            ),
            (
                Some("include=all&x=y&mode=json"),
                ReleaseRequest::Index(IndexKind::All),
            ),
        ] {
            assert_eq!(ReleaseRequest::of_query(query), want, "{query:?}");
        }
    }

    #[test]
    fn a_name_may_ask_for_what_belongs_to_an_archive() {
        let name: ReleaseName = "go1.2.src.tar.gz".parse().expect("a name");
        for (text, want) in [
            ("go1.2.src.tar.gz", ReleaseRequest::Archive(name.clone())),
            ("go1.2.src.tar.gz.sha256", ReleaseRequest::Checksum(name.clone())),
            ("go1.2.src.tar.gz.asc", ReleaseRequest::Signature(name.clone())),
        ] {
            assert_eq!(ReleaseRequest::of_file(text), Ok(want));
        }
        for text in ["", ".asc", "index.sha256", "a/b"] {
            assert_eq!(ReleaseRequest::of_file(text), Err(ReleaseNameError), "{text}");
        }
    }
}
