//! The request of a download, and what its answer means.

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        IF_RANGE, LAST_MODIFIED, RANGE,
    },
};

use super::{
    download_url::shown,
    session::Session,
    spec::layered,
    transport::{Body, Method, Purpose, Request, Response},
    validator::{Validator, text},
    verdict::{dead, of_error, of_status, retry},
};
use crate::Outcome;

/// What a server has said.
pub(crate) enum Answer {
    /// Content follows.
    Content(Content),
    /// The content is what the condition of the job names.
    Unchanged(Said),
}

/// Content that follows, for the file as it is now.
pub(crate) struct Content {
    /// The content.
    pub(crate) body: Body,
    /// How many bytes it has, if the server says so.
    pub(crate) expected: Option<u64>,
    /// Whether it goes on where an earlier run ended.
    pub(crate) is_resumed: bool,
    pub(crate) said: Said,
}

/// What the server says of the content.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

/// Asks for the content, from where an earlier run ended if there is something to go on from. If the server does not go on
/// exactly there, the file begins anew: with this answer if it is the whole content, else by another request.
pub(crate) async fn ask(session: &mut Session<'_>) -> Result<Answer, Outcome> {
    let resumable = session.partial()?.validator().cloned();
    if let Some(validator) = resumable
        && let Some(answer) = ask_once(session, Some(&validator)).await?
    {
        return Ok(answer);
    }
    let answer = ask_once(session, None).await?;
    answer.ok_or_else(|| retry("protocol", "the server sent a part of what was asked for whole"))
}

/// None if the server refuses to go on, or does so at another place.
async fn ask_once(session: &mut Session<'_>, resumed: Option<&Validator>) -> Result<Option<Answer>, Outcome> {
    let request = request(session, resumed)?;
    let sent = session.transport.send(request).await;
    let response = sent.map_err(|error| of_error(&error))?;
    note(session, &response);
    let said = Said {
        status: response.status.as_u16(),
        etag: text(&response.headers, &ETAG),
        last_modified: text(&response.headers, &LAST_MODIFIED),
    };
    match (response.status, resumed) {
        (StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION, _) => {
            let length = content_length(&response.headers);
            session.check_size(length.unwrap_or(0), "by its announcement")?;
            let validator = Validator::of(&response.headers);
            session
                .with_file(move |partial| partial.begin(validator, length))
                .await?;
            Ok(Some(Answer::Content(Content {
                body: response.body,
                expected: length,
                is_resumed: false,
                said,
            })))
        }
        (StatusCode::PARTIAL_CONTENT, Some(validator)) => {
            let Some((expected, total)) = goes_on(session, validator, &response.headers)? else {
                return begin_anew(session).await;
            };
            session.check_size(total, "by its announcement")?;
            let resumed_from = session.partial()?.length();
            session.run.note("resumed_from", resumed_from);
            session
                .with_file(move |partial| {
                    partial.expect(total);
                    Ok(())
                })
                .await?;
            Ok(Some(Answer::Content(Content {
                body: response.body,
                expected: Some(expected),
                is_resumed: true,
                said: Said { status: 200, ..said },
            })))
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => begin_anew(session).await,
        (StatusCode::NOT_MODIFIED, _) if session.spec.conditional.is_some() => {
            Ok(Some(Answer::Unchanged(said)))
        }
        (status, _) => Err(of_status(status, &response.headers, session.run.job())),
    }
}

async fn begin_anew(session: &mut Session<'_>) -> Result<Option<Answer>, Outcome> {
    session.run.note("range_refused", true);
    session.with_file(|partial| partial.begin(None, None)).await?;
    Ok(None)
}

fn request(session: &Session<'_>, resumed: Option<&Validator>) -> Result<Request, Outcome> {
    let settings = session.run.settings();
    // Operators can mend theirs, and the job nothing of its own.
    let base = if is_of_its_host(session) {
        layered(&[&session.options.headers, &settings.headers])
    } else {
        layered(&[&session.options.headers])
    };
    let base = base.map_err(|error| retry("headers", &error.to_string()))?;
    let headers = session.spec.request_headers(base);
    let mut headers = headers.map_err(|error| dead("headers", &error.to_string()))?;
    let proxy = settings.proxy.as_deref().map(str::parse).transpose();
    // The URL is not part of the text: it may hold a password.
    let proxy = proxy.map_err(|error| {
        retry(
            "proxy",
            &format!("the proxy of the aggregation is no URL: {error}"),
        )
    })?;
    headers
        .entry(ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static("identity"));
    if let Some(if_range) = resumed.and_then(Validator::if_range) {
        let range = format!("bytes={}-", session.partial()?.length());
        headers.insert(RANGE, range.parse().map_err(|_| dead("headers", "no range"))?);
        headers.insert(IF_RANGE, if_range);
    }
    let conditional = session.spec.conditional.clone().unwrap_or_default();
    for (name, value) in [
        (IF_NONE_MATCH, conditional.etag),
        (IF_MODIFIED_SINCE, conditional.last_modified),
    ] {
        if let Some(value) = value {
            let value = value.parse();
            let wrong = |_| dead("payload", "the condition of the job cannot be sent as a header");
            headers.insert(name, value.map_err(wrong)?);
        }
    }
    Ok(Request {
        purpose: Purpose::Download,
        method: Method::Get,
        url: session.spec.url.request_url(),
        headers,
        proxy,
        response_timeout: Some(session.response_timeout()),
    })
}

/// Whether the aggregation is named after the host of the URL. Whoever submits a job chooses its aggregation, so the headers
/// that an operator gave one go to no other host.
fn is_of_its_host(session: &Session<'_>) -> bool {
    let url = session.spec.url.request_url();
    let name = session.run.job().aggregation.name();
    let host = url.host_str().unwrap_or_default();
    let with_port = || format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    // A name without a port is that of the host itself, over https, and not of whatever listens there.
    let is_plain = url.scheme() == "https" && url.port().is_none();
    is_plain && name.eq_ignore_ascii_case(host) || name.eq_ignore_ascii_case(&with_port())
}

fn note(session: &Session<'_>, response: &Response) {
    let run = session.run;
    run.note("status", response.status.as_u16());
    run.note("final_url", shown(&response.url));
    if let Some(remote) = response.remote {
        run.note("remote", remote.to_string());
    }
    if let Some(announced) = text(&response.headers, &CONTENT_TYPE) {
        run.note("announced_type", announced);
    }
}

/// How many bytes follow, and how many there are altogether, if a response of a range goes on exactly where the file ends.
fn goes_on(
    session: &Session<'_>,
    validator: &Validator,
    headers: &HeaderMap,
) -> Result<Option<(u64, u64)>, Outcome> {
    let partial = session.partial()?;
    let Some(range) = text(headers, &CONTENT_RANGE).and_then(|range| content_range(&range)) else {
        return Ok(None);
    };
    let (first, last, total) = range;
    let is_next = first == partial.length() && first <= last && last < total;
    let is_same = partial.total().is_none_or(|known| known == total) && !validator.contradicts(headers);
    let length = last.saturating_sub(first).saturating_add(1);
    let is_announced = content_length(headers).is_none_or(|announced| announced == length);
    Ok((is_next && is_same && is_announced).then_some((length, total)))
}

/// First and last byte and the total of `bytes 0-9/10`.
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((number(first)?, number(last)?, number(total)?))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    number(&text(headers, &CONTENT_LENGTH)?)
}

fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
