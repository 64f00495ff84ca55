//! Curves as SVG.

use std::fmt::Write as _;

/// One diagram: a title, the unit of its values, and curves by name.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// What is counted from left to right; both axes are logarithmic.
    pub(super) across: &'a str,
    pub(super) curves: &'a [(&'a str, Vec<(f64, f64)>)],
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 66.0;

/// Readable on light and dark backgrounds.
const COLORS: [&str; 4] = ["#3b82f6", "#9ca3af", "#f97316", "#10b981"];

/// The diagrams side by side, two in a row.
pub(super) fn svg(plots: &[Plot<'_>]) -> String {
    let rows = plots.len().div_ceil(2);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" \
         font-size=\"11\" fill=\"#6b7280\">\n",
        WIDTH * 2.0,
        HEIGHT * rows as f64
    );
    for (index, plot) in plots.iter().enumerate() {
        let (x, y) = ((index % 2) as f64 * WIDTH, (index / 2) as f64 * HEIGHT);
        svg += &format!(
            "<g transform=\"translate({x} {y})\">\n{}</g>\n",
            diagram(plot)
        );
    }
    svg + "</svg>\n"
}

fn diagram(plot: &Plot<'_>) -> String {
    let points = || plot.curves.iter().flat_map(|(_, points)| points);
    let across = Axis::over(points().map(|point| point.0), LEFT, WIDTH - RIGHT);
    let up = Axis::over(points().map(|point| point.1), HEIGHT - BOTTOM, TOP);
    let mut text = format!(
        "<text x=\"{LEFT}\" y=\"18\" font-size=\"13\" font-weight=\"bold\">{}</text>\n",
        escape(plot.title)
    );
    for value in across.powers() {
        let x = across.place(value);
        let _ = writeln!(
            text,
            "<path d=\"M{x:.1} {TOP}V{:.1}\" stroke=\"#9ca3af\" stroke-opacity=\".3\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 15.0,
            label(value)
        );
    }
    for value in up.powers() {
        let y = up.place(value);
        let _ = writeln!(
            text,
            "<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#9ca3af\" stroke-opacity=\".3\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            label(value)
        );
    }
    let _ = writeln!(
        text,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - BOTTOM + 31.0,
        escape(plot.across)
    );
    for (index, (name, points)) in plot.curves.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let places = points.iter().map(|(x, y)| (across.place(*x), up.place(*y)));
        let places: Vec<(f64, f64)> = places.collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        let _ = writeln!(
            text,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
            path.join("L")
        );
        for (x, y) in places {
            let _ = writeln!(
                text,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{color}\"/>"
            );
        }
        let x = LEFT + index as f64 * 120.0;
        let y = HEIGHT - 16.0;
        let _ = writeln!(
            text,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"12\" height=\"4\" fill=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            y - 6.0,
            x + 17.0,
            escape(name)
        );
    }
    text
}

/// A logarithmic axis.
struct Axis {
    /// Powers of ten.
    from: i32,
    to: i32,
    start: f64,
    end: f64,
}

impl Axis {
    /// From the power of ten below all values to the one above.
    fn over(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let powers: Vec<f64> = values
            .filter(|value| *value > 0.0)
            .map(f64::log10)
            .collect();
        let from = powers.iter().copied().fold(f64::INFINITY, f64::min).floor();
        let to = powers
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max)
            .ceil();
        let from = if from.is_finite() { from as i32 } else { 0 };
        let to = if to.is_finite() { to as i32 } else { 1 };
        Self {
            from,
            to: to.max(from + 1),
            start,
            end,
        }
    }

    fn powers(&self) -> impl Iterator<Item = f64> {
        (self.from..=self.to).map(|power| 10_f64.powi(power))
    }

    fn place(&self, value: f64) -> f64 {
        let least = 10_f64.powi(self.from);
        let share =
            (value.max(least).log10() - f64::from(self.from)) / f64::from(self.to - self.from);
        self.start + share * (self.end - self.start)
    }
}

/// `1,000`, `0.01`
fn label(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e3 => format!("{},000", value / 1e3),
        value => format!("{value}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_logarithmic_and_contain_all_values() {
        let axis = Axis::over([3.0, 5_000.0].into_iter(), 100.0, 500.0);
        assert_eq!(
            axis.powers().collect::<Vec<_>>(),
            [1.0, 10.0, 100.0, 1_000.0, 10_000.0]
        );
        assert_eq!(
            (axis.place(1.0), axis.place(100.0), axis.place(10_000.0)),
            (100.0, 300.0, 500.0)
        );
        // Nothing is to the left of the axis.
        assert_eq!(axis.place(0.0), 100.0);
    }

    #[test]
    fn every_curve_is_drawn_with_its_name() {
        let curves = [
            ("a < b", vec![(10.0, 1.0), (100.0, 20.0)]),
            ("c", vec![(10.0, 2.0)]),
        ];
        let plot = Plot {
            title: "start",
            across: "programs",
            curves: &curves,
        };
        let svg = svg(&[plot]);
        assert!(
            svg.contains("a &lt; b") && svg.matches("<circle").count() == 3,
            "{svg}"
        );
    }
}
