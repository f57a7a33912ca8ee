//! What keeps a browser from running an answer.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS},
};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Nothing is loaded, run, sent or framed, and the document belongs to no origin.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// Makes an answer one that a browser shows at most: it is what its content type says, may do nothing, and no page of
/// another origin may load it.
///
/// Who owns a repository or a proxy chooses bytes that are sent from the origin of this server. A script in them could
/// read what the browser's user may read here. A page of our own names a policy of its own, which stays. The values are
/// constants, which cost no allocation.
pub(crate) fn make_inert(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
}
