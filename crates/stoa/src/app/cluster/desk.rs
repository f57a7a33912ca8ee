//! What this node answers other nodes.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use futures_util::StreamExt;
use stoa_fetch::{Context, Question};
use stoa_module::Resource;
use stoa_proxy::{
    About, Answer, ClusterPeers, Content, KnockAnswer, OwnFiles, PeerFailure, PeerHead, PeerRequest,
    Protocol, ProxyError, Refreshes, Remover, file_key,
};
use stoa_registry::InstanceId;
use stoa_server::{DeskAnswer, PeerDesk};
use stoa_storage::Storage;
use stoa_sumdb::{KeyName, RemotePath};

use super::{own_state::OwnState, removal};

/// What this node answers other nodes: what it would answer a client, by the same pipelines, and what it has stored.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) protocol: Arc<dyn Protocol>,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) databases: HashMap<KeyName, OwnFiles>,
    pub(super) refreshes: Arc<Refreshes>,
    pub(super) remover: Remover,
    pub(super) own: Arc<OwnState>,
    pub(super) peers: Arc<ClusterPeers>,
    /// Which life of this node it is.
    pub(super) instance: InstanceId,
}

impl Desk {
    async fn module(&self, resource: Resource, question: &PeerRequest) -> Result<DeskAnswer, PeerFailure> {
        // Others may not have heard of it yet. What is stored here is asked for in another way.
        if self.own.is_draining() {
            return Err(PeerFailure::draining());
        }
        // Whoever asks may have heard of something new before this node does.
        if let Some(at) = question.renewed() {
            self.refreshes.heard_of(resource.module(), at);
        }
        let (context, from) = (question.context(), question.from);
        let answer = self.protocol.get(&Question::new(resource, context)).await;
        let answer = answer.map_err(|error| PeerFailure::of(&error))?;
        Ok(answer_from(answer, from))
    }

    async fn stored(&self, resource: &Resource, from: u64) -> Result<DeskAnswer, PeerFailure> {
        let key = file_key(resource).ok_or_else(PeerFailure::not_stored)?;
        let found = self.storage.open(&key).await;
        let found = found.map_err(|error| PeerFailure::of(&ProxyError::from(error)))?;
        let blob = found.ok_or_else(PeerFailure::not_stored)?;
        Ok(content_from(&Content::Stored(blob), from))
    }

    async fn database(&self, name: &str, path: &str, context: &Context) -> Result<DeskAnswer, PeerFailure> {
        let files = self.databases.iter().find(|(known, _)| known.as_str() == name);
        let files = files.map(|(_, files)| files);
        let files =
            files.ok_or_else(|| PeerFailure::failed(&"no such checksum database is passed on here"))?;
        let path: RemotePath = path.parse().map_err(|error| PeerFailure::failed(&error))?;
        let limit = path.max_bytes() as u64;
        let read = files.read(&path, limit, context).await;
        let bytes = read.map_err(|error| PeerFailure::of(&error.into()))?;
        Ok(DeskAnswer::bytes(bytes))
    }

    async fn drain(&self, is_draining: bool) -> Result<DeskAnswer, PeerFailure> {
        let drained = self.own.drain(is_draining).await;
        drained.ok_or_else(|| PeerFailure::failed(&"this node does not announce itself"))?;
        Ok(DeskAnswer::done())
    }

    /// What an operator has removed elsewhere.
    async fn remove(&self, node: &str, versions: &[String], reason: &str) -> Result<DeskAnswer, PeerFailure> {
        let targets = removal::read(versions).ok_or_else(|| PeerFailure::failed(&"these are no versions"))?;
        tracing::info!(
            node,
            ?versions,
            reason,
            "an operator has removed versions on another node"
        );
        let removed = self.remover.remove(&targets).await;
        removed.map_err(|error| PeerFailure::of(&ProxyError::from(error)))?;
        Ok(DeskAnswer::done())
    }

    fn knocked_at(&self) -> Result<DeskAnswer, PeerFailure> {
        let answer = KnockAnswer {
            instance: self.instance.to_string(),
            draining: self.own.is_draining(),
            announced: self.own.is_told(),
        };
        let json = serde_json::to_vec(&answer).map_err(|error| PeerFailure::failed(&error))?;
        Ok(DeskAnswer::bytes(json.into()))
    }
}

/// An answer from a byte on. What it holds is held until all of it is sent.
fn answer_from(answer: Answer, from: u64) -> DeskAnswer {
    let mut sent = content_from(&answer.content, from);
    let kept = sent.pieces.map(move |piece| {
        let _held = &answer;
        piece
    });
    sent.pieces = kept.boxed();
    sent
}

fn content_from(content: &Content, from: u64) -> DeskAnswer {
    DeskAnswer {
        head: PeerHead { len: content.bytes() },
        pieces: content.pieces(from),
    }
}

#[async_trait]
impl PeerDesk for Desk {
    async fn answer(&self, node: &str, question: PeerRequest) -> Result<DeskAnswer, PeerFailure> {
        self.peers.heard_from(node);
        let context = question.context();
        let resource = |path: &str| PeerRequest::resource(path).map_err(|error| PeerFailure::failed(&error));
        match &question.about {
            About::Module(path) => self.module(resource(path)?, &question).await,
            About::Stored(path) => self.stored(&resource(path)?, question.from).await,
            About::Database { name, path } => self.database(name, path, &context).await,
            About::Refresh(modules) => {
                let modules = modules.parse().map_err(|error| PeerFailure::failed(&error))?;
                tracing::info!(%modules, "another node says that there is something new");
                self.refreshes.heard(modules);
                Ok(DeskAnswer::done())
            }
            About::Remove { versions, reason } => self.remove(node, versions, reason).await,
            About::Drain(is_draining) => self.drain(*is_draining).await,
            About::Knock => self.knocked_at(),
        }
    }
}
