//! Values as a line of small bars.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last values, one column each, between the smallest and the largest of them.
#[must_use]
pub fn sparkline(values: &[f64], width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let finite = || shown.iter().copied().filter(|value| value.is_finite());
    let min = finite().fold(f64::INFINITY, f64::min);
    let max = finite().fold(f64::NEG_INFINITY, f64::max);
    let bar = |value: f64| {
        if !value.is_finite() {
            return ' ';
        }
        let range = max - min;
        let part = if range > 0.0 {
            (value - min) / range
        } else {
            0.0
        };
        BARS[((part * 7.0).round() as usize).min(7)]
    };
    shown.iter().copied().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_and_the_largest_value_are_the_ends_of_the_scale() {
        assert_eq!(sparkline(&[0.0, 50.0, 100.0], 10), "▁▅█");
        assert_eq!(sparkline(&[5.0, 5.0], 10), "▁▁");
        assert_eq!(sparkline(&[9.0, 1.0, f64::NAN, 2.0], 3), "▁ █");
        assert_eq!(sparkline(&[], 3), "");
    }
}
