//! Spaces that YAML takes for letters, such as the no-break space of a text processor or a web page.

use crate::diagnostic::quoted;

/// The name of a character that looks like a space.
pub(crate) fn name_of(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{a0}' => "no-break space (U+00A0)",
        '\u{202f}' => "narrow no-break space (U+202F)",
        '\u{3000}' => "ideographic space (U+3000)",
        '\u{feff}' => "zero-width no-break space (U+FEFF)",
        '\u{200b}' => "zero-width space (U+200B)",
        '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{205f}' => "space that is not a normal one",
        _ => return None,
    })
}

/// The error of a key without quotes that contains such a space. At its start it was meant as
/// indentation, so the key would be one of another section, and be lost.
pub(crate) fn in_key(key: &str) -> Option<String> {
    let name = key.chars().find_map(name_of)?;
    Some(if key.starts_with(|c| name_of(c).is_some()) {
        format!("the line is indented with a {name}")
    } else {
        format!("the key {} contains a {name}", quoted(key))
    })
}

/// The error of a value without quotes that such a space begins or ends.
pub(crate) fn in_value(text: &str) -> Option<String> {
    let ends = [text.chars().next(), text.chars().next_back()];
    let name = ends.into_iter().flatten().find_map(name_of)?;
    Some(format!(
        "the value {} begins or ends with a {name}",
        quoted(text)
    ))
}

/// The error of a line that could not be parsed, if such a space is in its indentation.
pub(crate) fn in_indentation(line: &str) -> Option<String> {
    let indentation = line
        .chars()
        .take_while(|c| c.is_whitespace() || name_of(*c).is_some());
    let name = indentation.into_iter().find_map(name_of)?;
    Some(format!("the line is indented with a {name}"))
}

/// What to do about it.
pub(crate) const HINT: &str = "replace it by a normal space; as part of a text it needs quotes";
