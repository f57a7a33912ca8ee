//! What is counted of questions between nodes.

use stoa_telemetry::{Counter, EncodeLabelSet, Family, Part};

/// Counts questions to other nodes, and who brought something in.
#[derive(Clone, Debug)]
pub struct PeerMetrics {
    questions: Family<QuestionLabels, Counter>,
    fetches: Family<FetchLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuestionLabels {
    about: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FetchLabels {
    role: &'static str,
}

/// Who brings something in, as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// This node, which owns it, or is asked by another one that takes it for the owner.
    Owner,
    /// Another node, which owns it.
    Other,
    /// This node, because none of its owners could.
    Fallback,
    /// Nobody: another node had it stored.
    Stored,
}

impl PeerMetrics {
    /// Registers the metrics in `part`.
    pub fn new(part: &Part) -> Self {
        let questions = part.counters(
            "peer_questions",
            "Questions to other nodes: what they were about (owner, stored, sumdb), and what came of them (answered, absent, refused, failed)",
        );
        let fetches = part.counters(
            "owner_fetches",
            "Who brought in what was not stored here: this node as its owner, another node (other), this node because no owner could (fallback), or another node that had it stored (stored)",
        );
        for role in [Role::Owner, Role::Other, Role::Fallback, Role::Stored] {
            let labels = FetchLabels { role: role.as_str() };
            drop(Family::get_or_create_owned(&fetches, &labels));
        }
        Self { questions, fetches }
    }

    pub(crate) fn question(&self, about: &'static str, result: &'static str) {
        self.questions
            .get_or_create(&QuestionLabels { about, result })
            .inc();
    }

    pub(crate) fn fetch(&self, role: Role) {
        let labels = FetchLabels { role: role.as_str() };
        self.fetches.get_or_create(&labels).inc();
    }
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Other => "other",
            Self::Fallback => "fallback",
            Self::Stored => "stored",
        }
    }
}
