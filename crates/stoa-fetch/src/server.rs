//! What is asked of one GOPROXY server.

use stoa_module::Resource;

use crate::{
    BaseUrl, FetchError, Fetched, HttpClient, ListError, Question, SourceName,
    outbound::{Address, Alias, BodyEnd, Get, Part, SaidBy, Trust, Validator},
};

/// Where a server is, and what may be used to ask it.
#[derive(Debug)]
pub(crate) struct Server {
    base: BaseUrl,
    client: HttpClient,
    /// For a server that a page names.
    discovered: Option<Discovered>,
}

/// What may be used for a server that a page names, and what it was called there.
#[derive(Debug)]
struct Discovered {
    trust: Trust,
    alias: Option<Alias>,
}

impl Server {
    /// A server at `base`, which the configuration names.
    pub(crate) fn new(base: BaseUrl, client: HttpClient) -> Self {
        Self {
            base,
            client,
            discovered: None,
        }
    }

    /// A server that a page or a mapping names.
    pub(crate) fn discovered(address: &Address, client: HttpClient) -> Result<Self, ListError> {
        let named = BaseUrl::parse(address.named.as_str())?;
        let base = BaseUrl::parse(address.asked.as_str())?.called(&named);
        let discovered = Discovered {
            trust: address.trust,
            alias: address.alias(),
        };
        Ok(Self {
            base,
            client,
            discovered: Some(discovered),
        })
    }

    /// The URL without credentials.
    pub(crate) fn name(&self) -> &SourceName {
        self.base.name()
    }

    /// Asks for the resource of `question`, or for a part of it. See [`HttpClient::get`].
    pub(crate) async fn ask(
        &self,
        question: &Question,
        part: Option<Part<'_>>,
    ) -> Result<Option<(Fetched, Option<Validator>)>, FetchError> {
        let resource = &question.resource;
        let said_by = match &self.discovered {
            None => SaidBy::Configuration {
                module: Some(resource.module().as_str()),
            },
            Some(Discovered { trust, alias }) => SaidBy::Page {
                trust: *trust,
                alias: alias.as_ref(),
            },
        };
        let get = Get {
            context: &question.context,
            url: self.base.join(&resource.path()),
            authorization: self.base.credentials(),
            said_by,
            source_name: self.name(),
            limit: self.client.limits().for_resource(resource),
            end: match resource {
                // Its directory is at its end, and nothing can be cut off behind that.
                Resource::Zip(_) => BodyEnd::Any,
                _ => BodyEnd::Framed,
            },
            part,
        };
        self.client.get(get).await
    }
}
