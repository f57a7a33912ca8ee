//! What a request is about.

use std::sync::Arc;

use stoa_module::Resource;
use stoa_proxy::{ReleaseRequest, SumQuestion, SumRequest};
use stoa_sumdb::RemotePath;

use crate::mount::Mount;

/// What a request is about. The gate judges it, an answer is found by it, and logs, metrics and headers tell it.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Nothing that could be made out.
    Unknown,
    /// A mounted part.
    Mount(Arc<Mount>),
    /// A module, by the GOPROXY protocol.
    Module(Resource),
    /// A checksum database that is passed on.
    Sum(SumQuestion),
    /// Release archives of Go.
    Release(ReleaseRequest),
}

impl Subject {
    /// The kind, as logs and metrics name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Mount(_) => "service",
            Self::Module(resource) => resource.kind(),
            Self::Sum(question) => question.request().kind(),
            Self::Release(request) => request.kind(),
        }
    }

    /// The module asked about, also in a checksum database.
    pub fn module(&self) -> Option<&str> {
        match self {
            Self::Module(resource) => Some(resource.module().as_str()),
            Self::Sum(question) => match question.request() {
                SumRequest::Remote(RemotePath::Lookup(target)) => Some(target.path().as_str()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The version or revision asked about.
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Module(resource) => resource.version(),
            Self::Sum(question) => match question.request() {
                SumRequest::Remote(RemotePath::Lookup(target)) => Some(target.version().as_str()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the answer may change.
    pub(crate) fn is_mutable(&self) -> bool {
        match self {
            Self::Unknown | Self::Mount(_) => true,
            Self::Module(resource) => resource.is_mutable(),
            Self::Sum(question) => matches!(
                question.request(),
                SumRequest::Supported | SumRequest::Remote(RemotePath::Latest)
            ),
            Self::Release(request) => request.is_mutable(),
        }
    }
}
