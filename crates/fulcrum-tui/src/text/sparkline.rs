//! A row of bars for the latest values.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last `width` of `values` as bars, from `low` to `high`; spaces before the first value.
pub fn sparkline(
    values: impl DoubleEndedIterator<Item = f64>,
    width: usize,
    low: f64,
    high: f64,
) -> String {
    let range = high - low;
    let bar = |value: f64| {
        let share = match range > 0.0 {
            true => ((value - low) / range).clamp(0.0, 1.0),
            false => 0.0,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 7"
        )]
        let at = (share * 7.0).round() as usize;
        BARS[at.min(7)]
    };
    let mut bars: Vec<char> = values.rev().take(width).map(bar).collect();
    bars.resize(width, ' ');
    bars.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_values_are_at_the_right() {
        let line = |values: &[f64], width| sparkline(values.iter().copied(), width, 0.0, 100.0);
        assert_eq!(line(&[0.0, 50.0, 100.0], 3), "▁▅█");
        assert_eq!(line(&[0.0, 50.0, 100.0], 2), "▅█");
        assert_eq!(line(&[100.0], 3), "  █");
        assert_eq!(line(&[200.0, -1.0], 2), "█▁");
        assert_eq!(sparkline([5.0, 5.0].into_iter(), 2, 5.0, 5.0), "▁▁");
    }
}
