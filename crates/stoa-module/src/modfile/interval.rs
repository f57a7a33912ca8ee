//! Version intervals of retract directives.

use std::borrow::Cow;

use super::error::{Directive, LineError, ModFileReason};
use super::unquote::parse_string;
use crate::{VersionError, VersionReason};

/// The bounds of an interval and the tokens after it.
pub(super) type Interval<'t, 'a> = (String, String, &'t [&'a str]);

/// Reads `v1.0.0` or `[v1.0.0, v1.2.0]`. The versions may be anything.
pub(super) fn parse_interval<'t, 'a>(tokens: &'t [&'a str]) -> Result<Interval<'t, 'a>, LineError> {
    let expected = |what| Err((None, ModFileReason::Interval(what)));
    let rest = match tokens {
        [] | ["(", ..] => return expected("'[' or version"),
        ["[", rest @ ..] => rest,
        [single, rest @ ..] => {
            let version = parse_bound(single)?;
            return Ok((version.clone(), version, rest));
        }
    };
    let [low, rest @ ..] = rest else {
        return expected("version after '['");
    };
    let low = parse_bound(low)?;
    let [",", rest @ ..] = rest else {
        return expected("',' after version");
    };
    let [high, rest @ ..] = rest else {
        return expected("version after ','");
    };
    let high = parse_bound(high)?;
    let ["]", rest @ ..] = rest else {
        return expected("']' after version");
    };
    Ok((low, high, rest))
}

fn parse_bound(token: &str) -> Result<String, LineError> {
    parse_string(token).map(Cow::into_owned).map_err(|error| {
        let directive = Directive {
            verb: "retract",
            path: String::new(),
        };
        let reason = VersionError::new(token, VersionReason::Quoting(error));
        (Some(directive), reason.into())
    })
}
