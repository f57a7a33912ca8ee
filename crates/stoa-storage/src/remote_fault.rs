//! What can be wrong with a storage that is another service.

/// Why a storage that is another service did not do what it was asked. The text is for clients and for the operator: it
/// names no place, and says what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteFault {
    /// It does not let stoa in.
    #[error("the storage service refuses the credentials of this proxy: correct them in the configuration")]
    BadCredentials,
    /// It answers, but there is no such service at the configured URL.
    #[error("there is no storage service at the configured URL: correct its path")]
    NoBase,
    /// It does not take a version of this size.
    #[error(
        "the storage service refuses a module version as too large: raise its limit (Athens' own helper has one of 1 MiB)"
    )]
    TooLarge,
    /// It cannot list what it has.
    #[error(
        "the storage service has no catalog, so that what it holds cannot be listed: serve /catalog there as Athens does"
    )]
    NoCatalog,
    /// Its answer is not one of the protocol.
    #[error(
        "the storage service gives answers that are not of its protocol: check what is at the configured URL"
    )]
    BadAnswer,
    /// It is down, cannot be reached, is too slow or reports an error of its own.
    #[error("the storage service is unavailable: check that it runs and can be reached from here")]
    Away,
}
