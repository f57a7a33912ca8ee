//! What a service says, by meaning.

use std::error::Error;
use std::path::Path;

use stoa_dispatch::DispatchError;

use crate::error::StorageError;
use crate::remote_fault::RemoteFault;

/// The most of a service's own words that is kept, in bytes.
const MAX_WORDS: usize = 300;

/// What `error`, met when doing `action` to `place`, means.
pub(super) fn failure(action: &'static str, place: &Path, error: &object_store::Error) -> StorageError {
    let text = chain(error);
    let fault = dispatch_fault(error).unwrap_or_else(|| fault_of(error, &text));
    StorageError::remote(fault, action, place, words(&text))
}

/// What a status of a service and its words mean, to a request that was made here.
pub(super) fn refusal(action: &'static str, place: &Path, status: u16, body: &str) -> StorageError {
    let fault = fault_of_code(code_of(body), body).unwrap_or_else(|| fault_of_status(status));
    let text = format!("status {status}: {body}");
    StorageError::remote(fault, action, place, words(&text))
}

/// What it means that a request got no answer.
pub(super) fn unanswered(action: &'static str, place: &Path, error: &DispatchError) -> StorageError {
    let fault = fault_of_dispatch(error);
    StorageError::remote(fault, action, place, words(&chain(error)))
}

/// Whether an answer "not found" is about the bucket, and not about the object.
pub(super) fn is_about_bucket(error: &object_store::Error) -> bool {
    let text = chain(error);
    fault_of_code(code_of(&text), &text) == Some(RemoteFault::NoBucket)
}

fn fault_of(error: &object_store::Error, text: &str) -> RemoteFault {
    if let Some(fault) = fault_of_code(code_of(text), text) {
        return fault;
    }
    match error {
        object_store::Error::PermissionDenied { .. } => RemoteFault::Forbidden,
        object_store::Error::Unauthenticated { .. } => RemoteFault::BadCredentials,
        _ => RemoteFault::Away,
    }
}

fn fault_of_status(status: u16) -> RemoteFault {
    match status {
        401 => RemoteFault::BadCredentials,
        403 => RemoteFault::Forbidden,
        301 | 307 => RemoteFault::WrongPlace,
        404 => RemoteFault::NoBucket,
        413 => RemoteFault::TooLarge,
        429 | 503 => RemoteFault::Throttled,
        507 => RemoteFault::Full,
        _ => RemoteFault::Away,
    }
}

/// By the code of an answer in XML (or the `error` of a token service in JSON), which S3, Google and Azure all have.
fn fault_of_code(code: Option<&str>, text: &str) -> Option<RemoteFault> {
    if text.contains("BareRedirect") || text.contains("redirect without LOCATION") {
        return Some(RemoteFault::WrongPlace);
    }
    Some(match code? {
        "NoSuchBucket" | "ContainerNotFound" | "InvalidBucketName" => RemoteFault::NoBucket,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSecurity"
        | "AuthenticationFailed"
        | "InvalidToken"
        | "UnrecognizedClientException"
        | "invalid_client"
        | "invalid_grant" => {
            // Azure says the same of a clock that is off, and Google of a key of which the time is not yet.
            if text.contains("not valid in the specified time frame") {
                RemoteFault::ExpiredCredentials
            } else if text.contains("too skewed") || text.contains("Date header") || text.contains("iat") {
                RemoteFault::ClockSkew
            } else {
                RemoteFault::BadCredentials
            }
        }
        "ExpiredToken" | "TokenRefreshRequired" | "ExpiredTokenException" => RemoteFault::ExpiredCredentials,
        "RequestTimeTooSkewed" | "RequestExpired" => RemoteFault::ClockSkew,
        "AccessDenied"
        | "AuthorizationFailure"
        | "AuthorizationPermissionMismatch"
        | "AllAccessDisabled"
        | "UserProjectAccessDenied" => RemoteFault::Forbidden,
        "SlowDown" | "ServerBusy" | "TooManyRequests" | "RequestLimitExceeded" | "ServiceUnavailable" => {
            RemoteFault::Throttled
        }
        "QuotaExceeded" | "InsufficientStorage" | "InsufficientCapacity" | "XMinioStorageFull" => {
            RemoteFault::Full
        }
        "EntityTooLarge" | "RequestBodyTooLarge" => RemoteFault::TooLarge,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => RemoteFault::WrongPlace,
        _ => return None,
    })
}

/// The first `<Code>` of an answer in XML.
fn code_of(text: &str) -> Option<&str> {
    if let Some((_, rest)) = text.split_once("<Code>") {
        return rest.split_once("</Code>").map(|(code, _)| code);
    }
    let (_, rest) = text.split_once("\"error\"")?;
    rest.split('"').nth(1)
}

fn dispatch_fault(error: &object_store::Error) -> Option<RemoteFault> {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<DispatchError>() {
            return Some(fault_of_dispatch(error));
        }
        source = error.source();
    }
    None
}

fn fault_of_dispatch(error: &DispatchError) -> RemoteFault {
    match error {
        DispatchError::Full { .. } | DispatchError::Waited { .. } | DispatchError::Rate { .. } => {
            RemoteFault::Throttled
        }
        _ => RemoteFault::Away,
    }
}

/// The error and its sources. Those whose words the one above repeats are left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

/// One line, not too long, without what signs a URL.
fn words(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown = String::new();
    for word in line.split(' ') {
        let word = match word.split_once('?') {
            Some((url, _)) if url.contains("://") => url,
            _ => word,
        };
        if shown.len() + word.len() > MAX_WORDS {
            shown.push_str("...");
            break;
        }
        shown.push_str(word);
        shown.push(' ');
    }
    shown.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_a_meaning() {
        use RemoteFault::{
            BadCredentials, ClockSkew, ExpiredCredentials, Forbidden, Full, NoBucket, Throttled, WrongPlace,
        };
        let xml = |code: &str| format!("<?xml?><Error><Code>{code}</Code><Message>m</Message></Error>");
        for (status, body, fault) in [
            (403, xml("InvalidAccessKeyId"), BadCredentials),
            (403, xml("SignatureDoesNotMatch"), BadCredentials),
            (403, xml("AccessDenied"), Forbidden),
            (403, String::new(), Forbidden),
            (400, xml("ExpiredToken"), ExpiredCredentials),
            (
                403,
                format!(
                    "{}<AuthenticationErrorDetail>Signature not valid in the specified time frame",
                    xml("AuthenticationFailed")
                ),
                ExpiredCredentials,
            ),
            (403, xml("RequestTimeTooSkewed"), ClockSkew),
            (404, xml("NoSuchBucket"), NoBucket),
            (404, xml("ContainerNotFound"), NoBucket),
            (301, xml("PermanentRedirect"), WrongPlace),
            (400, xml("AuthorizationHeaderMalformed"), WrongPlace),
            (503, xml("SlowDown"), Throttled),
            (429, String::new(), Throttled),
            (403, xml("QuotaExceeded"), Full),
            (500, xml("InternalError"), RemoteFault::Away),
            (400, r#"{"error": "invalid_grant"}"#.to_owned(), BadCredentials),
        ] {
            let error = refusal("store", Path::new("s3://b/k"), status, &body);
            let StorageError::Remote { fault: found, .. } = &error else {
                panic!("{error:?}")
            };
            assert_eq!(*found, fault, "{status} {body}");
            assert!(!error.to_string().contains('/'), "no place: {error}");
            assert!(
                error
                    .report()
                    .to_string()
                    .contains("cannot store s3://b/k: status"),
                "{}",
                error.report()
            );
        }
    }

    #[test]
    fn words_are_one_short_line_without_signatures() {
        let text = format!(
            "PUT https://b.example/k?X-Amz-Signature=secret\nfailed {}",
            "x ".repeat(1000)
        );
        let shown = words(&text);
        assert!(shown.starts_with("PUT https://b.example/k failed x"), "{shown}");
        assert!(shown.len() < 320 && !shown.contains("secret"), "{shown}");
    }
}
