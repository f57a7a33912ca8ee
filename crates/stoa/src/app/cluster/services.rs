//! Upstream servers that the registry names.

use std::{collections::HashMap, time::Duration};

use stoa_fetch::{BaseUrl, Entry, Services, UpstreamList};
use stoa_proxy::{Member, Members, OwnerKey};
use stoa_registry::{Followed, NodeState, ServiceName, View};

use super::node::WEIGHT_LABEL;
use crate::config::{Config, DatabaseServer};

/// How old what is known of upstream servers may be.
pub(super) const MAX_STALE: Duration = Duration::from_secs(300);
/// The label of the rank of a server: those of the lowest are asked first. 0 by default.
pub(super) const PRIORITY_LABEL: &str = "priority";

/// The services that lists of upstreams and checksum databases name.
pub(super) fn named(config: &Config) -> Vec<String> {
    let routes = config.upstream.routes.iter().map(|route| &route.upstream);
    let lists = routes.chain([&config.upstream.list]);
    let of_lists = lists
        .flat_map(UpstreamList::entries)
        .filter_map(|(entry, _)| match entry {
            Entry::Registered(service) => Some(service.clone()),
            _ => None,
        });
    let databases = config.sumdb.databases.iter();
    let of_databases = databases.filter_map(|database| match &database.server {
        DatabaseServer::Registered(service) => Some(service.clone()),
        DatabaseServer::Url(_) => None,
    });
    let mut all: Vec<_> = of_lists.chain(of_databases).collect();
    all.sort();
    all.dedup();
    all
}

/// Upstream services as the registry has them.
#[derive(Debug)]
pub(super) struct Registered {
    view: View,
    services: HashMap<String, Followed>,
}

impl Registered {
    /// Follows these services. Whatever is no name has been refused before.
    pub(super) fn new(view: View, services: Vec<String>) -> Self {
        let follow = |service: String| {
            let name: ServiceName = service.parse().ok()?;
            Some((service, view.follow(&name)))
        };
        Self {
            services: services.into_iter().filter_map(follow).collect(),
            view,
        }
    }

    /// Waits until the servers are known, for as long as `wait`.
    pub(super) async fn ready(&self, wait: Duration) {
        for (service, followed) in &self.services {
            if !followed.clone().ready(wait).await {
                tracing::warn!(%service, "the servers of an upstream service are not known yet");
            }
        }
    }

    pub(super) async fn stop(&self) {
        self.view.stop().await;
    }
}

#[deny(clippy::missing_trait_methods)]
impl Services for Registered {
    fn servers(&self, service: &str, key: &str) -> Result<Vec<BaseUrl>, String> {
        let followed = self.services.get(service).ok_or("it is not followed")?;
        if followed.is_too_old() {
            return Err(format!(
                "what is known of its servers is older than {MAX_STALE:?}"
            ));
        }
        let snapshot = followed.load();
        let mut ranks: Vec<(i64, Vec<Member>)> = Vec::new();
        for node in &snapshot.nodes {
            let registration = &node.registration;
            if registration.state != NodeState::Ready {
                continue;
            }
            let label = |name: &str| registration.node.metadata.get(name);
            let priority = label(PRIORITY_LABEL)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            let weight = label(WEIGHT_LABEL)
                .and_then(|text| text.parse().ok())
                .unwrap_or(1.0);
            let member = Member {
                id: registration.node.id.as_str().into(),
                address: registration.node.address.as_str().into(),
                weight,
                is_owner: true,
                instance: None,
            };
            match ranks.iter_mut().find(|(rank, _)| *rank == priority) {
                Some((_, members)) => members.push(member),
                None => ranks.push((priority, vec![member])),
            }
        }
        ranks.sort_by_key(|(rank, _)| *rank);
        let key = OwnerKey::of_text(key);
        let mut servers = Vec::new();
        for (_, members) in ranks {
            // One key goes to the same server, so that its memory serves.
            for member in Members::new(members).owners(&key) {
                match member.address.parse::<BaseUrl>() {
                    Ok(base) => servers.push(base),
                    Err(error) => tracing::debug!(%service, id = %member.id, %error, "a server has no URL"),
                }
            }
        }
        Ok(servers)
    }
}
