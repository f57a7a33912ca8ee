//! Where the hops of one request begin, and what they may use.

use url::Url;

use super::{
    Access, Alias, Authorization, Guards, NamedModules, OutboundRules, PageRequest, Part, RedirectHosts,
    Trust, UrlGuard,
};
use crate::{Context, FetchError, SourceName};

/// One request: where to, for whom, how much.
#[derive(Debug)]
pub(crate) struct Get<'a> {
    pub(crate) context: &'a Context,
    pub(crate) url: Url,
    /// The user part that was written with the URL; without one, the rules are asked.
    pub(crate) authorization: Option<&'a Authorization>,
    pub(crate) said_by: SaidBy<'a>,
    pub(crate) source_name: &'a SourceName,
    pub(crate) limit: u64,
    /// Whether an answer is taken whose end only the end of the connection shows.
    pub(crate) end: BodyEnd,
    /// What of it; all, without.
    pub(crate) part: Option<Part<'a>>,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// By its length, or by the frames of the protocol. Of other bodies nobody can tell a part from the whole.
    Framed,
    /// In any way: what is read is recognised as whole by other means.
    Any,
}

/// Who gave the URL of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SaidBy<'a> {
    /// The configuration: it is rewritten, and asked for wherever that is.
    Configuration {
        /// The path of the module that is asked for; none for a checksum database.
        module: Option<&'a str>,
    },
    /// The configuration, of a server that leads to other hosts only if that names them.
    Releases {
        /// These.
        hosts: &'a RedirectHosts,
    },
    /// A page. It has been rewritten already.
    Page {
        /// What may be used for it.
        trust: Trust,
        /// What it was before.
        alias: Option<&'a Alias>,
    },
}

/// Where the hops of one request begin.
pub(super) struct Start<'a> {
    pub(super) context: &'a Context,
    pub(super) url: Url,
    pub(super) access: Access,
    pub(super) authorization: Option<&'a Authorization>,
    pub(super) trust: Trust,
    pub(super) beyond: Beyond,
    pub(super) source_name: &'a SourceName,
    pub(super) guards: &'a Guards,
    pub(super) alias: Option<Alias>,
    pub(super) part: Option<Part<'a>>,
    pub(super) is_probe: bool,
    /// The only hosts that it may be redirected to.
    pub(super) hosts: Option<&'a RedirectHosts>,
}

/// What may be used where a redirect leads that leaves the site that was asked.
#[derive(Clone, Copy)]
pub(super) enum Beyond {
    /// This.
    Fixed(Trust),
    /// What was trusted before, as long as the configuration names modules there, too.
    NamedPages,
}

impl<'a> Start<'a> {
    /// Of a request for bytes.
    pub(super) fn of_get(get: Get<'a>, rules: &'a OutboundRules) -> Result<Self, FetchError> {
        let start = |url, trust| Self {
            context: get.context,
            url,
            access: Access::Anywhere,
            authorization: get.authorization,
            trust,
            beyond: Beyond::Fixed(Trust::Stranger),
            source_name: get.source_name,
            guards: &rules.guards,
            alias: None,
            part: get.part,
            is_probe: false,
            hosts: None,
        };
        match get.said_by {
            SaidBy::Releases { hosts } => {
                let asked = rules.rewrites.page(&get.url);
                let asked = asked.unwrap_or_else(|| get.url.clone());
                Ok(Self {
                    // It is for the server that it was written with.
                    authorization: get.authorization.filter(|_| asked.origin() == get.url.origin()),
                    alias: Alias::new(&get.url, &asked),
                    hosts: Some(hosts),
                    ..start(asked, Trust::Named)
                })
            }
            SaidBy::Configuration { module } => {
                let asked = rules.rewrites.page(&get.url);
                let asked = asked.unwrap_or_else(|| get.url.clone());
                let is_named = module.is_some_and(|module| rules.modules.names(module));
                let beyond = if is_named { Trust::Named } else { Trust::Stranger };
                Ok(Self {
                    // It is for the server that it was written with.
                    authorization: get.authorization.filter(|_| asked.origin() == get.url.origin()),
                    beyond: Beyond::Fixed(beyond),
                    alias: Alias::new(&get.url, &asked),
                    ..start(asked, Trust::Named)
                })
            }
            SaidBy::Page { trust, alias } => {
                let access = admit(rules.guards.of(trust), &get.url, "asked for");
                let beyond = match trust {
                    Trust::Named => Trust::Named,
                    // What the configuration says of one host.
                    Trust::Placed | Trust::Stranger => Trust::Stranger,
                };
                Ok(Self {
                    access: access.map_err(|error| error.shown_by(alias))?,
                    beyond: Beyond::Fixed(beyond),
                    alias: alias.cloned(),
                    ..start(get.url, trust)
                })
            }
        }
    }

    /// Of a request for a page, called `source_name`.
    pub(super) fn of_page(
        request: &PageRequest<'a>,
        alias: Option<Alias>,
        source_name: &'a SourceName,
    ) -> Result<Self, FetchError> {
        let PageRequest {
            asked,
            trust,
            guards,
            context,
            ..
        } = *request;
        Ok(Self {
            context,
            access: admit(guards.of(trust), asked, "asked for")?,
            url: asked.clone(),
            authorization: None,
            trust,
            beyond: Beyond::NamedPages,
            source_name,
            guards,
            alias,
            part: None,
            is_probe: request.is_probe,
            hosts: None,
        })
    }

    /// What may be used at `next`, a redirect's target beyond the site that was asked, where `trust` was left.
    pub(super) fn beyond(&self, trust: Trust, next: &Url, modules: &NamedModules) -> Trust {
        match self.beyond {
            // Once it is lost, nothing brings it back.
            _ if trust != Trust::Named => Trust::Stranger,
            Beyond::Fixed(trust) => trust,
            Beyond::NamedPages if modules.names(&path_of(next)) => Trust::Named,
            Beyond::NamedPages => Trust::Stranger,
        }
    }
}

/// How a URL may be asked for, if at all.
pub(super) fn admit(guard: &UrlGuard, url: &Url, what: &str) -> Result<Access, FetchError> {
    guard.admit(url).map_err(|error| FetchError::Refused {
        reason: format!("{what} {url}: {error}"),
    })
}

impl Start<'_> {
    /// How a redirect's target may be asked for, where `trust` is what is left.
    pub(super) fn admit_next(&self, trust: Trust, next: &Url) -> Result<Access, FetchError> {
        match self.hosts {
            None => admit(self.guards.of(trust), next, "redirected to"),
            Some(_) if is_same_site(&self.url, next) => Ok(Access::Anywhere),
            Some(hosts) => hosts.check(next, self.source_name).map(|()| Access::Anywhere),
        }
    }
}

/// The same origin, or the same host where it encrypts.
pub(super) fn is_same_site(first: &Url, next: &Url) -> bool {
    let encrypted = (first.scheme(), next.scheme()) == ("http", "https")
        && first.host() == next.host()
        && (first.port(), next.port()) == (None, None);
    encrypted || first.origin() == next.origin()
}

/// The module path whose page this is; none has a port.
fn path_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), None) => format!("{host}{}", url.path().trim_end_matches('/')),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn a_site_is_an_origin_and_its_encrypted_self() {
        for (first, next, same) in [
            ("https://a.example/x", "https://a.example:443/y", true),
            ("http://a.example/x", "https://a.example/y", true),
            ("http://a.example:8080/x", "https://a.example/y", false),
            ("http://a.example/x", "https://a.example:8443/y", false),
            ("https://a.example/x", "https://a.example:8443/y", false),
            ("https://a.example/x", "https://b.a.example/x", false),
        ] {
            assert_eq!(is_same_site(&url(first), &url(next)), same, "{first} {next}");
        }
    }

    #[test]
    fn a_page_is_that_of_a_path_without_a_port() {
        assert_eq!(path_of(&url("https://A.example/x/?go-get=1")), "a.example/x");
        assert_eq!(path_of(&url("https://a.example:443/")), "a.example");
        assert_eq!(path_of(&url("https://a.example:8443/x")), "");
    }
}
