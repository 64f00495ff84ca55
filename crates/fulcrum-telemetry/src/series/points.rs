//! The points of OTLP metrics.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, NumberDataPoint};

use super::store::{Point, SeriesId, SeriesKind, SeriesStore};
use crate::convert::{attributes, cut, origin};

/// The longest name and unit.
const MAX_TEXT: usize = 256;

/// Adds all points of a request.
pub(crate) fn insert(request: &ExportMetricsServiceRequest, store: &mut SeriesStore) {
    for resource in &request.resource_metrics {
        let origin = origin(resource.resource.as_ref());
        let scopes = resource.scope_metrics.iter();
        for metric in scopes.flat_map(|scope| &scope.metrics) {
            let unit = cut(&metric.unit, MAX_TEXT);
            each_point(metric, |kind, labels, point| {
                let id = SeriesId {
                    origin: origin.clone(),
                    name: cut(&metric.name, MAX_TEXT),
                    attributes: attributes(labels),
                };
                store.insert(id, (kind, &unit), point);
            });
        }
    }
}

fn each_point(metric: &Metric, mut add: impl FnMut(SeriesKind, &[KeyValue], Point)) {
    let is_delta = |temporality| temporality == AggregationTemporality::Delta as i32;
    match &metric.data {
        Some(Data::Gauge(gauge)) => {
            for point in &gauge.data_points {
                add(SeriesKind::Gauge, &point.attributes, number(point));
            }
        }
        Some(Data::Sum(sum)) => {
            let kind = match (sum.is_monotonic, is_delta(sum.aggregation_temporality)) {
                (true, false) => SeriesKind::Counter,
                (true, true) => SeriesKind::Delta,
                (false, _) => SeriesKind::Gauge,
            };
            for point in &sum.data_points {
                add(kind, &point.attributes, number(point));
            }
        }
        Some(Data::Histogram(histogram)) => {
            for point in &histogram.data_points {
                let point_of = Point {
                    time: point.time_unix_nano,
                    value: point.sum.unwrap_or_default(),
                    count: point.count,
                };
                add(SeriesKind::Histogram, &point.attributes, point_of);
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            for point in &histogram.data_points {
                let point_of = Point {
                    time: point.time_unix_nano,
                    value: point.sum.unwrap_or_default(),
                    count: point.count,
                };
                add(SeriesKind::Histogram, &point.attributes, point_of);
            }
        }
        Some(Data::Summary(summary)) => {
            for point in &summary.data_points {
                let point_of = Point {
                    time: point.time_unix_nano,
                    value: point.sum,
                    count: point.count,
                };
                add(SeriesKind::Histogram, &point.attributes, point_of);
            }
        }
        None => {}
    }
}

fn number(point: &NumberDataPoint) -> Point {
    let value = match point.value {
        Some(Value::AsDouble(value)) => value,
        Some(Value::AsInt(value)) => value as f64,
        None => 0.0,
    };
    Point {
        time: point.time_unix_nano,
        value,
        count: 0,
    }
}
