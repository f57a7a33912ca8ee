//! The nodes of a cluster: who owns what, and how they are asked.

mod about;
mod cluster_peers;
mod contact;
mod knock_answer;
mod knocker;
mod local_source;
mod member;
mod members;
mod owner_key;
mod owner_route;
mod peer;
mod peer_answer;
mod peer_client;
mod peer_health;
mod peer_metrics;
mod peer_pace;
mod peer_sources;
mod peer_wire;
mod ranks;
mod stored_elsewhere;
mod sum_relay;

pub use about::About;
pub use cluster_peers::{ClusterPeers, MakePeer};
pub use contact::{REACH, Reach};
pub use knock_answer::KnockAnswer;
pub use knocker::{KnockOptions, Knocker};
pub use member::Member;
pub use members::Members;
pub use owner_key::OwnerKey;
pub use owner_route::OwnerRoute;
pub use peer::{Peer, PeerQuestion, Peers, PeersSlot};
pub use peer_client::{ASK_PATH, PeerClient, PeerOptions};
pub use peer_metrics::PeerMetrics;
pub use peer_wire::{PeerFailure, PeerHead, PeerRequest, PeerRequestError};
pub use stored_elsewhere::StoredElsewhere;
pub use sum_relay::{OwnFiles, SumRelay};
