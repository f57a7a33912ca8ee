//! Counts of checksum databases, for Prometheus.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use stoa_proxy::{Alarm, SumWatch, Verification};

use crate::Metrics;

/// Questions, verifications and alarms.
#[derive(Clone, Debug, Default)]
pub(crate) struct SumMetrics {
    questions: Family<QuestionLabels, Counter>,
    verifications: Family<ResultLabels, Counter>,
    alarms: Family<KindLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuestionLabels {
    resource: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

impl SumMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Questions to checksum databases, clients' and own, by kind and result";
        registry.register("sumdb_questions", help, self.questions.clone());
        let help = "Files held against a checksum database before they are stored, by result";
        registry.register("sumdb_verifications", help, self.verifications.clone());
        let help = "Times that a checksum database was caught, by kind";
        registry.register("sumdb_alarms", help, self.alarms.clone());
        // Shown from the start, so that the first alarm is an increase and not a new series.
        for alarm in Alarm::ALL {
            drop(self.alarms.get_or_create_owned(&kind(alarm)));
        }
    }
}

fn kind(alarm: Alarm) -> KindLabels {
    KindLabels { kind: alarm.as_str() }
}

impl SumWatch for Metrics {
    fn answered(&self, resource: &'static str, result: &'static str) {
        let labels = QuestionLabels { resource, result };
        self.sums().questions.get_or_create(&labels).inc();
    }

    fn verified(&self, verification: Verification) {
        let result = verification.as_str();
        self.sums()
            .verifications
            .get_or_create(&ResultLabels { result })
            .inc();
    }

    fn alarm(&self, alarm: Alarm) {
        self.sums().alarms.get_or_create(&kind(alarm)).inc();
    }
}
