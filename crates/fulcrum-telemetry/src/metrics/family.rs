//! Writes one metric: its description, and a sample for each set of labels.

use std::fmt::Error;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, MetricEncoder,
    NoLabelSet,
};
use prometheus_client::metrics::exemplar::Exemplar;

use super::definition::MetricDefinition;

/// A sample: the values of the labels, in the order of the definition, and the value.
pub(super) type Sample<'a, const N: usize, V> = ([&'a str; N], V);

/// Writes metrics, each at most once. One without samples is left out.
#[derive(Debug)]
pub(super) struct FamilyWriter<'a>(DescriptorEncoder<'a>);

impl<'a> FamilyWriter<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    pub(super) fn gauges<const N: usize, V: EncodeGaugeValue>(
        &mut self,
        metric: &'static MetricDefinition,
        samples: Vec<Sample<'_, N, V>>,
    ) -> Result<(), Error> {
        let encode = |mut encoder: MetricEncoder<'_>, value| encoder.encode_gauge(&value);
        self.write(metric, samples, encode)
    }

    pub(super) fn gauge<V: EncodeGaugeValue>(
        &mut self,
        metric: &'static MetricDefinition,
        value: Option<V>,
    ) -> Result<(), Error> {
        let samples = value.into_iter().map(|value| ([], value));
        self.gauges(metric, samples.collect())
    }

    pub(super) fn counters<const N: usize, V: EncodeCounterValue>(
        &mut self,
        metric: &'static MetricDefinition,
        samples: Vec<Sample<'_, N, V>>,
    ) -> Result<(), Error> {
        const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, f64>> = None;
        let encode =
            |mut encoder: MetricEncoder<'_>, value| encoder.encode_counter(&value, NO_EXEMPLAR);
        self.write(metric, samples, encode)
    }

    pub(super) fn counter<V: EncodeCounterValue>(
        &mut self,
        metric: &'static MetricDefinition,
        value: Option<V>,
    ) -> Result<(), Error> {
        let samples = value.into_iter().map(|value| ([], value));
        self.counters(metric, samples.collect())
    }

    pub(super) fn histograms<const N: usize>(
        &mut self,
        metric: &'static MetricDefinition,
        samples: Vec<Sample<'_, N, &dyn EncodeMetric>>,
    ) -> Result<(), Error> {
        self.write(metric, samples, |encoder, histogram| {
            histogram.encode(encoder)
        })
    }

    pub(super) fn info<const N: usize>(
        &mut self,
        metric: &'static MetricDefinition,
        values: [&str; N],
    ) -> Result<(), Error> {
        let labels = labels(metric, values);
        let (name, kind) = (metric.base(), metric.metric_type());
        let mut encoder = self.0.encode_descriptor(name, metric.help, None, kind)?;
        encoder.encode_info(&labels)
    }

    fn write<const N: usize, V>(
        &mut self,
        metric: &'static MetricDefinition,
        samples: Vec<Sample<'_, N, V>>,
        encode: impl Fn(MetricEncoder<'_>, V) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if samples.is_empty() {
            return Ok(());
        }
        let (name, kind) = (metric.base(), metric.metric_type());
        let unit = metric.encoded_unit();
        let mut encoder = self
            .0
            .encode_descriptor(name, metric.help, unit.as_ref(), kind)?;
        for (values, value) in samples {
            let labels = labels(metric, values);
            encode(encoder.encode_family(&labels)?, value)?;
        }
        Ok(())
    }
}

/// The labels of a sample.
fn labels<'a, const N: usize>(
    metric: &'static MetricDefinition,
    values: [&'a str; N],
) -> Vec<(&'static str, &'a str)> {
    debug_assert_eq!(metric.labels.len(), N, "{}", metric.name());
    metric.labels.iter().copied().zip(values).collect()
}
