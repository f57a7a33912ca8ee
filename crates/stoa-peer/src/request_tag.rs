//! What a request carries to prove where it comes from.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    PeerError, SessionId,
    mac::Code,
    names::{MAC, SEQUENCE, SESSION},
};

/// What a request carries to prove where it comes from: its session, its number in it, and the code of both with the request.
#[derive(Clone, Copy, Debug)]
pub struct RequestTag {
    /// The session.
    pub(crate) session: SessionId,
    /// The number.
    pub(crate) sequence: u64,
    /// The code.
    pub(crate) mac: Code,
}

impl RequestTag {
    /// The tag that is in the headers of a request, which proves nothing yet. Each of the three is there once.
    pub fn read(headers: &HeaderMap) -> Result<Self, PeerError> {
        let read = || {
            Some(Self {
                session: SessionId::parse(one(headers, &SESSION)?.as_bytes())?,
                sequence: number(one(headers, &SEQUENCE)?)?,
                mac: Code::parse(one(headers, &MAC)?.as_bytes())?,
            })
        };
        read().ok_or(PeerError::Malformed(
            "the headers that say where a request comes from",
        ))
    }

    /// Puts it into the headers of a request, in the place of any other.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(SESSION, visible(&self.session.to_string()));
        headers.insert(SEQUENCE, self.sequence.into());
        headers.insert(MAC, visible(&self.mac.to_string()));
    }

    /// The session that the request says to belong to. A server can ask [`knows`](crate::Sessions::knows) before it reads a
    /// body.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The number that the request says to have in its session.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// The value of a header that is there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// The number that a value is, as it is written here.
fn number(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Hexadecimal digits as the value of a header.
fn visible(digits: &str) -> HeaderValue {
    let Ok(value) = HeaderValue::from_str(digits) else {
        unreachable!("digits are visible")
    };
    value
}
