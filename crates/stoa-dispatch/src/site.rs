//! Which hosts belong together.

use std::{borrow::Cow, net::IpAddr};

/// Labels below which a country's registry sells names, as in `example.co.uk`.
const SECOND_LEVEL: [&str; 9] = ["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"];

/// The site that a host belongs to: its last two labels, or three below such names as `co.uk`. All numeric addresses are
/// one site. Lower case, without port and without a dot at the end.
///
/// This is what somebody can register, near enough: where it is wrong, hosts of several owners are one site, or one owner
/// has some more. It decides who shares with whom, not who is trusted.
///
/// ```
/// use stoa_dispatch::site_of;
///
/// assert_eq!(site_of("a.b.Example.com:8080"), "example.com");
/// assert_eq!(site_of("go.example.co.uk."), "example.co.uk");
/// assert_eq!(site_of("10.0.0.1:80"), site_of("[::1]"));
/// ```
pub fn site_of(host: &str) -> Cow<'_, str> {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let name = match bracketed {
        Some((inside, _)) => inside,
        None if host.bytes().filter(|byte| *byte == b':').count() == 1 => {
            host.split_once(':').map_or(host, |(name, _)| name)
        }
        None => host,
    };
    let name = name.trim_end_matches('.');
    if name.parse::<IpAddr>().is_ok() {
        return Cow::Borrowed("addresses");
    }
    let mut labels = name.rsplit('.');
    let (top, second) = (
        labels.next().unwrap_or_default(),
        labels.next().unwrap_or_default(),
    );
    let is_registry = top.len() == 2 && SECOND_LEVEL.contains(&second.to_ascii_lowercase().as_str());
    let kept = if is_registry { 3 } else { 2 };
    let start = name
        .rmatch_indices('.')
        .nth(kept - 1)
        .map_or(0, |(dot, _)| dot + 1);
    let site = &name[start..];
    if site.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(site.to_ascii_lowercase())
    } else {
        Cow::Borrowed(site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one_site_however_many_hosts_it_has() {
        for (host, site) in [
            ("example.com", "example.com"),
            ("a.example.com", "example.com"),
            ("A.B.example.COM.:443", "example.com"),
            ("localhost", "localhost"),
            ("x.co.uk", "x.co.uk"),
            ("co.uk", "co.uk"),
            ("b.a.x.com.au", "x.com.au"),
            ("a.b.io", "b.io"),
            ("127.0.0.9", "addresses"),
            ("[fd00::1]:8080", "addresses"),
            ("fd00::1", "addresses"),
            ("peer:node-1", "peer"),
            ("", ""),
        ] {
            assert_eq!(site_of(host), site, "{host}");
        }
    }
}
