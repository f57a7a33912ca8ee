//! Values that are read when Prometheus asks.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

/// Something that knows its values anyway, so that it counts nothing twice: it is asked for them at each scrape.
pub trait Collect: fmt::Debug + Send + Sync + 'static {
    /// Writes all samples. Runs under the lock of the registry, so it must be quick and must not use the registry.
    ///
    /// # Errors
    /// Only those of `samples`, passed on.
    fn collect(&self, samples: &mut Samples<'_>) -> fmt::Result;
}

/// Takes the samples of one [`Collect`].
#[derive(Debug)]
pub struct Samples<'a> {
    encoder: DescriptorEncoder<'a>,
    /// The name of the metric that is being written, from the prefix of the part on.
    name: String,
    /// How much of the name is the prefix, in bytes.
    prefix: usize,
}

/// Takes the samples of one metric.
#[derive(Debug)]
pub struct SampleFamily<'a> {
    encoder: MetricEncoder<'a>,
    kind: MetricType,
}

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Whole(u64),
    /// Any number, such as seconds.
    Real(f64),
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl Samples<'_> {
    /// Begins a metric that only goes up. Prometheus shows it with `_total` at its end.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn counter(&mut self, name: &str, help: &str) -> Result<SampleFamily<'_>, fmt::Error> {
        self.family(name, help, MetricType::Counter)
    }

    /// Begins a metric that goes up and down.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn gauge(&mut self, name: &str, help: &str) -> Result<SampleFamily<'_>, fmt::Error> {
        self.family(name, help, MetricType::Gauge)
    }

    fn family(&mut self, name: &str, help: &str, kind: MetricType) -> Result<SampleFamily<'_>, fmt::Error> {
        self.name.truncate(self.prefix);
        self.name.push_str(name);
        let encoder = self.encoder.encode_descriptor(&self.name, help, None, kind)?;
        Ok(SampleFamily { encoder, kind })
    }
}

impl SampleFamily<'_> {
    /// Adds one sample with these labels: pairs of name and value.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<Number>) -> fmt::Result {
        let encoder = self.encoder.encode_family(&labels)?;
        encode(encoder, self.kind, value.into())
    }

    /// The only sample, without labels.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn value(self, value: impl Into<Number>) -> fmt::Result {
        encode(self.encoder, self.kind, value.into())
    }
}

fn encode(encoder: MetricEncoder<'_>, kind: MetricType, value: Number) -> fmt::Result {
    match (kind, value) {
        (MetricType::Counter, Number::Whole(value)) => ConstCounter::new(value).encode(encoder),
        (MetricType::Counter, Number::Real(value)) => ConstCounter::new(value).encode(encoder),
        (_, Number::Whole(value)) => ConstGauge::new(value).encode(encoder),
        (_, Number::Real(value)) => ConstGauge::new(value).encode(encoder),
    }
}

/// A [`Collect`] as the library underneath asks for it.
#[derive(Debug)]
pub(crate) struct Collected<C> {
    pub(crate) collect: C,
    pub(crate) prefix: String,
}

impl<C: Collect> Collector for Collected<C> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut samples = Samples {
            encoder,
            name: self.prefix.clone(),
            prefix: self.prefix.len(),
        };
        self.collect.collect(&mut samples)
    }
}
