//! Counts of checksum databases, for Prometheus.

use stoa_telemetry::{Counter, EncodeLabelSet, Family, Part};

use crate::sumdb::{Alarm, SumWatch, Verification};

/// Counts questions, verifications and alarms.
#[derive(Clone, Debug)]
pub struct SumMetrics {
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
    /// Registers the metrics of checksum databases in `part`.
    pub fn new(part: &Part) -> Self {
        let help = "Questions to checksum databases, clients' and own, by kind and result";
        let questions = part.counters("sumdb_questions", help);
        let help = "Files held against a checksum database before they are stored, by result";
        let verifications = part.counters("sumdb_verifications", help);
        let help = "Times that a checksum database was caught, by kind";
        let alarms = part.counters("sumdb_alarms", help);
        // Shown from the start, so that the first alarm is an increase and not a new series.
        for alarm in Alarm::ALL {
            drop(alarms.get_or_create_owned(&kind(alarm)));
        }
        Self {
            questions,
            verifications,
            alarms,
        }
    }
}

fn kind(alarm: Alarm) -> KindLabels {
    KindLabels { kind: alarm.as_str() }
}

impl SumWatch for SumMetrics {
    fn answered(&self, resource: &'static str, result: &'static str) {
        let labels = QuestionLabels { resource, result };
        self.questions.get_or_create(&labels).inc();
    }

    fn verified(&self, verification: Verification) {
        let result = verification.as_str();
        self.verifications.get_or_create(&ResultLabels { result }).inc();
    }

    fn alarm(&self, alarm: Alarm) {
        self.alarms.get_or_create(&kind(alarm)).inc();
    }
}
