//! What leaves the process over HTTP.

use std::sync::Arc;

use stoa_dispatch::{Filter, FilterFn, HttpOptions, HttpTransports, LaneKey, Pool, Request};
use stoa_fetch::{HttpClient, ServicesSlot, outbound::PathFailures};
use stoa_proxy::PeerClient;
use stoa_storage::{external, object};

use super::{cluster::etcd_transport, named_hosts::named_hosts};
use crate::config::{Config, names};

/// The door: every HTTP request of this process leaves through one of its lanes, whose stages are listed at
/// [`stoa_dispatch`].
pub(super) fn dispatcher(config: &Config) -> Pool {
    let proxies = config.jobs.limits.proxy_hosts();
    let transports = HttpTransports::new(HttpOptions {
        connect_timeout: config.fetch.deadlines.connect,
        user_agent: Some(concat!("stoa/", env!("CARGO_PKG_VERSION")).to_owned()),
        proxy_hosts: config
            .dispatch
            .proxy_hosts
            .iter()
            .cloned()
            .chain(proxies)
            .collect(),
        authorities: config.tls.authorities.clone(),
        ..HttpOptions::default()
    });
    let (rules, deadlines) = (config.dispatch.clone(), config.fetch.deadlines.clone());
    Pool::builder(Arc::new(transports))
        .name("stoa")
        .rules(move |lane| match lane.as_str() {
            etcd_transport::LANE => etcd_transport::lane_settings(),
            name if name.starts_with(PeerClient::LANE_PREFIX) => PeerClient::lane_settings(),
            external::LANE if !rules.names(lane) => external::lane_settings(),
            name @ (object::LANE | object::ZIP_LANE | object::UPLOAD_LANE) if !rules.names(lane) => {
                object::lane_settings(name)
            }
            _ => rules.settings(lane, &deadlines),
        })
        .max_lanes(config.dispatch.lanes)
        .named(named_hosts(config))
        .filter(deny(config))
        .classify(Arc::new(PathFailures))
        .start()
}

/// Refuses what goes to a host that `dispatch.deny` names.
fn deny(config: &Config) -> Arc<dyn Filter> {
    let hosts = config.dispatch.deny.clone();
    Arc::new(FilterFn::new("dispatch.deny", move |request: &Request| {
        let lane = LaneKey::of_uri(request.uri()).map_err(|error| error.to_string())?;
        if names(&hosts, lane.as_str()) {
            return Err("nothing may be sent to this host".to_owned());
        }
        Ok(())
    }))
}

/// The client of everything that is asked about modules, held to the rules of the configuration.
pub(super) fn client(config: &Config, dispatcher: &Pool, services: &ServicesSlot) -> HttpClient {
    let client = HttpClient::new(
        dispatcher.clone(),
        config.fetch.deadlines.total,
        config.fetch.limits.clone(),
    );
    let routes = config.upstream.routes.iter().map(|route| &route.patterns);
    let client = client.with_services(services.clone());
    client.with_rules(Arc::new(config.vcs.rules(routes)))
}
