//! Durations, sizes and other values in the units of other tools.

use std::time::Duration;

use crate::node::{Node, NodeKind};
use crate::units::{format_duration, format_size, parse_duration};

/// The text of a scalar.
pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.value {
        NodeKind::Scalar { text, .. } => Some(text),
        NodeKind::Null | NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
    }
}

/// The texts of a list of scalars, or of a scalar alone.
pub(super) fn texts(node: &Node) -> Option<Vec<String>> {
    match &node.value {
        NodeKind::Sequence(items) => items
            .iter()
            .map(|item| Some(text(item)?.to_owned()))
            .collect(),
        _ => Some(vec![text(node)?.to_owned()]),
    }
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node) -> Option<bool> {
    match text(node)? {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A duration, where a number alone has the unit of the tool.
pub(super) fn duration(node: &Node, unit: Duration) -> Option<Duration> {
    let text = text(node)?;
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number * unit.as_secs_f64() < 3e7 => {
            Some(unit.mul_f64(number))
        }
        Ok(_) => None,
        Err(_) => parse_duration(text).ok(),
    }
}

/// A duration as a setting.
pub(super) fn duration_text(duration: Duration) -> String {
    format_duration(Duration::from_millis(
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    ))
}

/// `512m`, `1G`, `200MB` or a number of bytes, all binary, as docker and pm2 read them.
pub(super) fn size(node: &Node) -> Option<String> {
    let text = text(node)?.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim().to_ascii_lowercase();
    let factor = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 1u64,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return None,
    };
    let bytes = number * factor as f64;
    (1.0..1e18)
        .contains(&bytes)
        .then(|| format_size(bytes.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary() {
        for (text, expected) in [
            ("512m", "512MiB"),
            ("1G", "1GiB"),
            ("200MB", "200MiB"),
            ("64KiB", "64KiB"),
            ("1048576", "1MiB"),
            ("1.5g", "1536MiB"),
        ] {
            assert_eq!(
                size(&Node::scalar(text)).as_deref(),
                Some(expected),
                "{text}"
            );
        }
        assert_eq!(size(&Node::scalar("much")), None);
    }

    #[test]
    fn a_number_alone_has_the_unit_of_its_tool() {
        let read = |text, unit| duration(&Node::scalar(text), unit).map(duration_text);
        assert_eq!(
            read("1600", Duration::from_millis(1)).as_deref(),
            Some("1600ms")
        );
        assert_eq!(read("10", Duration::from_secs(1)).as_deref(), Some("10s"));
        assert_eq!(
            read("1m30s", Duration::from_secs(1)).as_deref(),
            Some("90s")
        );
        assert_eq!(read("soon", Duration::from_secs(1)), None);
    }
}
