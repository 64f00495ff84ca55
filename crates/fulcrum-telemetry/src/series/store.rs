//! Metrics that came over OTLP: the last points of each series, within a bound. No I/O.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::traces::{Origin, attribute_size};

/// The points that are kept of a series: two hours, at the usual interval of a minute.
const MAX_POINTS: usize = 120;

/// What the points of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesKind {
    /// A value of the moment.
    Gauge,
    /// A sum since the start of the program.
    Counter,
    /// A sum of what has happened since the last point.
    Delta,
    /// Many values since the start of the program, as their number and sum.
    Histogram,
}

impl SeriesKind {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter | Self::Delta => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// One point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The value; of a histogram the sum of all values.
    pub value: f64,
    /// Of a histogram, how many values there were.
    pub count: u64,
}

/// What a series is.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesId {
    /// Who recorded it.
    pub origin: Arc<Origin>,
    /// The metric's name.
    pub name: String,
    /// The attributes that distinguish it from others of the same name.
    pub attributes: Vec<(String, String)>,
}

impl SeriesId {
    fn key(&self) -> SeriesKey {
        let mut attributes = self.attributes.clone();
        attributes.sort();
        (self.origin.name().to_owned(), self.name.clone(), attributes)
    }

    fn size(&self) -> usize {
        // The id, and the key that is made of it.
        2 * (self.name.capacity() + attribute_size(&self.attributes)) + 256
    }
}

type SeriesKey = (String, String, Vec<(String, String)>);

/// A series and its points, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is.
    pub id: SeriesId,
    /// What its points are.
    pub kind: SeriesKind,
    /// The unit, as UCUM writes it; may be empty.
    pub unit: String,
    /// The points.
    pub points: VecDeque<Point>,
}

impl Series {
    fn size(&self) -> usize {
        self.id.size() + MAX_POINTS * size_of::<Point>()
    }

    /// The values to show, the oldest first: of a gauge its own, of a counter the increase between
    /// two points, of a histogram the mean of what was added.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        match self.kind {
            SeriesKind::Gauge | SeriesKind::Delta => {
                self.points.iter().map(|point| point.value).collect()
            }
            // Less than before: the program was started again.
            SeriesKind::Counter => pairs
                .map(|(before, after)| match after.value < before.value {
                    true => after.value,
                    false => after.value - before.value,
                })
                .collect(),
            SeriesKind::Histogram => {
                let first = self.points.front().copied();
                let zero = first.map(|first| Point {
                    value: 0.0,
                    count: 0,
                    ..first
                });
                let befores = zero.iter().chain(&self.points);
                befores
                    .zip(&self.points)
                    .filter_map(|(before, after)| mean(before, after))
                    .collect()
            }
        }
    }

    /// The value of now: of a gauge and a counter the last one, of a histogram the mean of all.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        let last = self.points.back()?;
        match self.kind {
            SeriesKind::Histogram if last.count > 0 => Some(last.value / last.count as f64),
            SeriesKind::Histogram => None,
            SeriesKind::Gauge | SeriesKind::Counter | SeriesKind::Delta => Some(last.value),
        }
    }
}

fn mean(before: &Point, after: &Point) -> Option<f64> {
    let (count, sum) = match after.count < before.count {
        true => (after.count, after.value),
        false => (after.count - before.count, after.value - before.value),
    };
    (count > 0).then(|| sum / count as f64)
}

/// Series in memory.
#[derive(Debug)]
pub struct SeriesStore {
    limit: usize,
    bytes: usize,
    series: HashMap<SeriesKey, Series>,
    dropped: u64,
}

impl SeriesStore {
    /// A store of at most so many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            series: HashMap::new(),
            dropped: 0,
        }
    }

    /// Adds a point to its series. A new series for which there is no room is counted and left out:
    /// a program that makes up attributes must not push out what others record.
    pub fn insert(&mut self, id: SeriesId, (kind, unit): (SeriesKind, &str), point: Point) {
        let key = id.key();
        let series = match self.series.get_mut(&key) {
            Some(series) => series,
            None => {
                let series = Series {
                    id,
                    kind,
                    unit: unit.to_owned(),
                    points: VecDeque::new(),
                };
                if self.bytes + series.size() > self.limit {
                    self.dropped += 1;
                    return;
                }
                self.bytes += series.size();
                self.series.entry(key).or_insert(series)
            }
        };
        series.kind = kind;
        if series.points.len() == MAX_POINTS {
            series.points.pop_front();
        }
        series.points.push_back(point);
    }

    /// The series whose metric's name contains a text, of some origins, by name and origin.
    #[must_use]
    pub fn find(&self, name: &str, domains: &[String]) -> Vec<Series> {
        let is_asked_for = |series: &&Series| {
            let origin = series.id.origin.name();
            let of_domain = domains.is_empty() || domains.iter().any(|domain| domain == origin);
            of_domain && series.id.name.contains(name)
        };
        let mut found: Vec<Series> = self.series.values().filter(is_asked_for).cloned().collect();
        found.sort_by(|one, other| {
            let order = |series: &Series| {
                let SeriesId {
                    origin,
                    name,
                    attributes,
                } = &series.id;
                (name.clone(), origin.name().to_owned(), attributes.clone())
            };
            order(one).cmp(&order(other))
        });
        found
    }

    /// The memory that is used, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many series are kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.series.len()
    }

    /// How many points of series without room were left out.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, attribute: &str) -> SeriesId {
        SeriesId {
            origin: Arc::new(Origin {
                service: "orders".into(),
                domain: None,
            }),
            name: name.into(),
            attributes: vec![("a".into(), attribute.into())],
        }
    }

    fn point(time: u64, value: f64, count: u64) -> Point {
        Point { time, value, count }
    }

    #[test]
    fn a_counter_shows_its_increase_and_a_histogram_its_means() {
        let mut store = SeriesStore::new(1 << 20);
        for (time, value) in [(1, 10.0), (2, 25.0), (3, 5.0)] {
            let kind = (SeriesKind::Counter, "1");
            store.insert(id("requests", ""), kind, point(time, value, 0));
        }
        for (time, sum, count) in [(1, 10.0, 2), (2, 40.0, 4), (3, 40.0, 4)] {
            let kind = (SeriesKind::Histogram, "ms");
            store.insert(id("times", ""), kind, point(time, sum, count));
        }
        let requests = &store.find("requests", &[])[0];
        assert_eq!(
            (requests.values(), requests.last()),
            (vec![15.0, 5.0], Some(5.0))
        );
        let times = &store.find("times", &[])[0];
        assert_eq!(
            (times.values(), times.last()),
            (vec![5.0, 15.0], Some(10.0))
        );
    }

    #[test]
    fn made_up_attributes_do_not_push_out_what_is_there() {
        let mut store = SeriesStore::new(64 * 1024);
        let gauge = (SeriesKind::Gauge, "");
        store.insert(id("first", ""), gauge, point(1, 1.0, 0));
        for number in 0..10_000_u32 {
            store.insert(id("flood", &number.to_string()), gauge, point(1, 1.0, 0));
            assert!(store.bytes() <= 64 * 1024);
        }
        assert_eq!(store.find("first", &[]).len(), 1);
        assert!(store.dropped() > 9_000);
    }

    #[test]
    fn old_points_make_room() {
        let mut store = SeriesStore::new(1 << 20);
        for time in 0..500 {
            let gauge = (SeriesKind::Gauge, "");
            store.insert(id("gauge", ""), gauge, point(time, time as f64, 0));
        }
        let series = &store.find("gauge", &["orders".into()])[0];
        assert_eq!(series.points.len(), MAX_POINTS);
        assert_eq!(series.last(), Some(499.0));
        assert!(store.find("gauge", &["users".into()]).is_empty());
    }
}
