//! What a request is about.

use stoa_module::Resource;
use stoa_proxy::SumRequest;
use stoa_sumdb::RemotePath;

/// What a request is about, as far as logs, metrics and headers tell it.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A page of the service, or nothing that could be made out.
    Service,
    /// A module, by the GOPROXY protocol.
    Module(Resource),
    /// A checksum database that is passed on.
    Sum(SumRequest),
}

impl Subject {
    /// The kind, as logs and metrics name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Module(resource) => resource.kind(),
            Self::Sum(request) => request.kind(),
        }
    }

    /// The module asked about.
    pub(crate) fn module(&self) -> Option<&str> {
        match self {
            Self::Module(resource) => Some(resource.module().as_str()),
            Self::Sum(SumRequest::Remote(RemotePath::Lookup(target))) => Some(target.path().as_str()),
            _ => None,
        }
    }

    /// The version or revision asked about.
    pub(crate) fn version(&self) -> Option<&str> {
        match self {
            Self::Module(resource) => resource.version(),
            Self::Sum(SumRequest::Remote(RemotePath::Lookup(target))) => Some(target.version().as_str()),
            _ => None,
        }
    }

    /// Whether the answer may change.
    pub(crate) fn is_mutable(&self) -> bool {
        match self {
            Self::Service => true,
            Self::Module(resource) => resource.is_mutable(),
            Self::Sum(request) => matches!(
                request,
                SumRequest::Supported | SumRequest::Remote(RemotePath::Latest)
            ),
        }
    }
}
