//! Metrics of domains for people and for programs.

use fulcrum_rpc::control::MetricSeries;
use fulcrum_telemetry::series::sparkline;
use serde::Serialize;
use serde_json::{Map, Value};

use super::color::Color;
use super::table::{Cell, Table};

/// The columns of a sparkline.
const SPARKLINE: usize = 20;

/// A series of a metric, in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct MetricJson {
    name: String,
    origin: String,
    kind: String,
    unit: String,
    attributes: Map<String, Value>,
    last: Option<f64>,
    values: Vec<f64>,
}

impl From<MetricSeries> for MetricJson {
    fn from(series: MetricSeries) -> Self {
        let attributes = series.attributes.into_iter();
        Self {
            name: series.name,
            origin: series.origin,
            kind: series.kind,
            unit: series.unit,
            attributes: attributes
                .map(|attribute| (attribute.name, attribute.value.into()))
                .collect(),
            last: series.last,
            values: series.values,
        }
    }
}

/// Series as a table with sparklines.
pub(crate) fn metric_table(series: &[MetricSeries]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "ORIGIN",
        "KIND",
        ">LAST",
        "UNIT",
        "TREND",
        "ATTRIBUTES",
    ]);
    for one in series {
        let attributes = one.attributes.iter();
        let attributes: Vec<String> = attributes
            .map(|attribute| format!("{}={}", attribute.name, attribute.value))
            .collect();
        table.push([
            Cell::new(&one.name),
            Cell::new(&one.origin),
            Cell::new(&one.kind).colored(Color::Dim),
            Cell::new(&one.last.map(number).unwrap_or_default()),
            Cell::new(&one.unit),
            Cell::new(&sparkline(&one.values, SPARKLINE)).colored(Color::Green),
            Cell::new(&attributes.join(" ")).colored(Color::Dim),
        ]);
    }
    table
}

/// A number with at most three digits after the point, or with an exponent.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-3..1e15).contains(&value.abs()) {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.3e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_row_with_its_trend() {
        let series = MetricSeries {
            name: "http.server.request.duration".into(),
            origin: "orders".into(),
            kind: "histogram".into(),
            unit: "s".into(),
            last: Some(0.25),
            values: vec![0.1, 0.2, 0.4],
            ..MetricSeries::default()
        };
        let text = metric_table(&[series]).render(false, None);
        let row = text.lines().nth(1);
        let expected = "http.server.request.duration  orders  histogram  0.25  s     ▁▃█";
        assert_eq!(row, Some(expected));
    }

    #[test]
    fn numbers_are_short() {
        for (value, shown) in [
            (0.0, "0"),
            (3.0, "3"),
            (0.1255, "0.126"),
            (1.5e-7, "1.500e-7"),
            (-2.5, "-2.5"),
            (1_048_576.0, "1048576"),
        ] {
            assert_eq!(number(value), shown);
        }
    }
}
