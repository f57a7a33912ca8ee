//! Schemes of URLs.

/// Whether the scheme encrypts: on the way, nothing can be read or changed.
///
/// # Deviation
///
/// `GIT_ALLOW_PROTOCOL` is not looked at.
pub(crate) fn is_secure_scheme(scheme: &str) -> bool {
    matches!(
        scheme,
        "https" | "git+ssh" | "ssh+git" | "bzr+ssh" | "svn+ssh" | "ssh"
    )
}

/// The port of a scheme that a URL without a port means.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        "ssh" | "git+ssh" | "ssh+git" | "svn+ssh" | "bzr+ssh" => Some(22),
        "git" => Some(9418),
        "svn" => Some(3690),
        "bzr" => Some(4155),
        _ => None,
    }
}
