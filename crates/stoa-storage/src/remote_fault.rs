//! What can be wrong with a storage that is another service.

/// Why a service that keeps the files did not do what it was asked. Prints what the operator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteFault {
    /// It does not answer, or not as it should.
    #[error("the storage of this proxy does not answer: look at the service and the network between")]
    Away,
    /// It asks for fewer requests.
    #[error("the storage of this proxy is overloaded: give it time, or raise the limits of the service")]
    Throttled,
    /// There is no such bucket, container or base.
    #[error("the storage of this proxy has no such bucket: create it, or correct 'storage'")]
    NoBucket,
    /// It is in another region, or behind another endpoint.
    #[error(
        "the bucket of this proxy is in another region or at another endpoint: set storage_options.region or endpoint"
    )]
    WrongPlace,
    /// It does not know the credentials, or they do not sign as they should.
    #[error("the storage of this proxy refuses its credentials: correct the key and its secret")]
    BadCredentials,
    /// They are no longer valid.
    #[error("the credentials of this proxy for its storage have expired: renew them")]
    ExpiredCredentials,
    /// It knows who asks, and forbids it.
    #[error(
        "the storage of this proxy forbids this: allow reading, writing, listing and deleting below its prefix"
    )]
    Forbidden,
    /// The clocks differ by too much for signed requests.
    #[error("the clock of this machine and that of its storage differ by too much: set this machine's clock")]
    ClockSkew,
    /// There is no room.
    #[error("the storage of this proxy has no room left: free space or raise the limit")]
    Full,
    /// It takes no files of this size.
    #[error("the storage of this proxy takes no files of this size: raise the limit of the service")]
    TooLarge,
    /// It answers, but there is no such service at the configured URL.
    #[error("there is no storage service at the configured URL: correct its path")]
    NoBase,
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
}
