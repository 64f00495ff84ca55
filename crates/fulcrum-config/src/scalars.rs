//! Single values: text, lists of text, durations and integers.

use std::time::Duration;

use crate::diagnostic::quoted;
use crate::node::{Node, NodeKind};
use crate::units::{UnitError, parse_duration};
use crate::value_error::ValueError;

/// The text of a scalar.
pub(crate) fn scalar<'a>(node: &'a Node, what: &str) -> Result<&'a str, ValueError> {
    match &node.value {
        NodeKind::Scalar { text, .. } if text.contains('\0') => Err(ValueError::invalid(
            "contains a NUL byte, which cannot be passed to a program",
        )),
        NodeKind::Scalar { text, .. } => Ok(text),
        NodeKind::Null => Err(ValueError::expected(what, node)
            .hint("omit the key to use the default; an empty text is `\"\"`")),
        NodeKind::Sequence(_) | NodeKind::Mapping(_) => Err(ValueError::expected(what, node)),
    }
}

/// A list of texts. With `one`, a single text is allowed; with `some`, an empty list is rejected.
pub(crate) fn parse_string_list(
    node: &Node,
    one: bool,
    some: bool,
) -> Result<Vec<String>, ValueError> {
    let what = if one {
        "a text or a list of texts"
    } else {
        "a list of texts"
    };
    let texts = match &node.value {
        NodeKind::Sequence(items) => items
            .iter()
            .map(|item| {
                scalar(item, "a text")
                    .map(str::to_owned)
                    .map_err(|error| ValueError {
                        message: format!("in the list: {}", error.message),
                        ..error
                    })
            })
            .collect::<Result<Vec<_>, _>>()?,
        NodeKind::Scalar { text, .. } if one && !text.is_empty() => {
            vec![scalar(node, what)?.to_owned()]
        }
        NodeKind::Scalar { text, .. } if !one => {
            let words: Vec<_> = text.split_whitespace().collect();
            return Err(ValueError::expected(what, node).hint(format!(
                "write `[{}]`: the text is not split into words",
                words.join(", ")
            )));
        }
        _ => return Err(ValueError::expected(what, node)),
    };
    if some && texts.iter().all(String::is_empty) {
        return Err(ValueError::invalid("the list must not be empty"));
    }
    Ok(texts)
}

/// A duration; `zero` allows a duration of 0.
pub(crate) fn duration(node: &Node, zero: bool) -> Result<Duration, ValueError> {
    let what = "a duration such as `500ms`, `10s` or `2m`";
    let text = scalar(node, what)?;
    match parse_duration(text) {
        Ok(time) if time.is_zero() && !zero => Err(ValueError::invalid("must be longer than 0")),
        Ok(time) => Ok(time),
        Err(UnitError::TooLarge) => Err(ValueError::invalid(format!(
            "{} is longer than a year",
            quoted(text)
        ))),
        Err(unit_error) => {
            let error = ValueError::expected(what, node);
            let lacks_unit = unit_error == UnitError::NoUnit && text.parse::<f64>().is_ok();
            Err(if lacks_unit {
                error.hint(format!("add the unit: `{text}s` or `{text}ms`"))
            } else {
                error.hint("the units are ms, s, m, h and d")
            })
        }
    }
}

/// A whole number in a range.
pub(crate) fn parse_integer(node: &Node, min: i64, max: i64) -> Result<i64, ValueError> {
    let text = scalar(node, "a whole number")?;
    let number: i64 = text
        .parse()
        .map_err(|_| ValueError::expected("a whole number", node))?;
    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(ValueError::invalid(format!(
            "must be {min} to {max}, not {number}"
        )))
    }
}
