//! What a domain writes must not drive the terminal that shows it.

use std::io::Write as _;

/// A colour sequence longer than this isn't one.
const SGR_MAX: usize = 64;

/// Appends `message` to `out` in a form that can do nothing to a terminal but print.
///
/// Colour sequences (SGR, `ESC [ … m`) pass if `colour`, else they are left out. Every other
/// control character becomes visible: ESC as `␛`, BEL as `␇`, CR as `␍`, C1 controls as `\x9b`.
/// So the start of an OSC 52 reads `␛]52`. Tabs stay. Bytes that aren't UTF-8 become U+FFFD.
///
/// Gives whether a colour sequence passed; then a reset should follow.
pub fn sanitise(message: &[u8], colour: bool, out: &mut Vec<u8>) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    if message.iter().all(is_plain) {
        out.extend_from_slice(message);
        return false;
    }
    let mut coloured = false;
    for chunk in message.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find(char::is_control) {
            let (plain, control) = rest.split_at(at);
            out.extend_from_slice(plain.as_bytes());
            rest = match sgr_length(control.as_bytes()) {
                Some(length) => {
                    let (sgr, later) = control.split_at(length);
                    if colour {
                        out.extend_from_slice(sgr.as_bytes());
                        coloured = true;
                    }
                    later
                }
                None => {
                    let mut chars = control.chars();
                    if let Some(control) = chars.next() {
                        make_visible(control, out);
                    }
                    chars.as_str()
                }
            };
        }
        out.extend_from_slice(rest.as_bytes());
        if !chunk.invalid().is_empty() {
            push_char(char::REPLACEMENT_CHARACTER, out);
        }
    }
    coloured
}

/// The length of the colour sequence that `text` begins with, if it does.
pub(crate) fn sgr_length(text: &[u8]) -> Option<usize> {
    let parameters = text.strip_prefix(b"\x1b[")?;
    let end = parameters
        .iter()
        .take(SGR_MAX)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (parameters[end] == b'm').then_some(end + 3)
}

fn make_visible(control: char, out: &mut Vec<u8>) {
    match control {
        '\t' => out.push(b'\t'),
        '\u{7f}' => push_char('\u{2421}', out),
        '\u{0}'..='\u{1f}' => {
            // The block of control pictures has the order of the controls.
            let picture = char::from_u32(0x2400 + u32::from(control));
            push_char(picture.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
        other => write!(out, "\\x{:02x}", u32::from(other)).expect("a Vec takes every write"),
    }
}

fn push_char(char: char, out: &mut Vec<u8>) {
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(message: &[u8], colour: bool) -> String {
        let mut out = Vec::new();
        sanitise(message, colour, &mut out);
        String::from_utf8(out).expect("always UTF-8")
    }

    #[test]
    fn colours_pass_or_are_left_out() {
        let text = b"\x1b[31mred\x1b[0m \x1b[1;38;5;200mpink\x1b[38:2::1:2:3m\x1b[m";
        assert_eq!(shown(text, true).as_bytes(), text);
        assert_eq!(shown(text, false), "red pink");
    }

    #[test]
    fn everything_else_becomes_visible() {
        for (bytes, text) in [
            (&b"\x1b]52;c;ZXZpbA==\x07"[..], "␛]52;c;ZXZpbA==␇"),
            (b"\x1b[2J\x1b[H", "␛[2J␛[H"),
            (b"\x1b[>4;2m", "␛[>4;2m"),
            (b"\x1b[31", "␛[31"),
            (b"a\rb\x08\x7f\0\n", "a␍b␈␡␀␊"),
            ("\u{9b}31m\u{85}".as_bytes(), "\\x9b31m\\x85"),
            (b"\xff\x9bok", "\u{fffd}\u{fffd}ok"),
            ("tab\tgrüße 😀".as_bytes(), "tab\tgrüße 😀"),
        ] {
            assert_eq!(shown(bytes, true), text);
            assert_eq!(shown(bytes, false), text);
        }
    }

    #[test]
    fn an_endless_colour_sequence_is_none() {
        let text = format!("\x1b[{}m", "1;".repeat(100));
        assert!(shown(text.as_bytes(), true).starts_with("␛[1;"));
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let bit = prop_oneof![
            prop::sample::select(vec![
                "\u{1b}[", "\u{1b}]", "\u{1b}", "[", "m", ";", ":", "0", "31", "K", "\u{9b}",
                "\u{9d}", "\u{7}", "\t", "\r", "x", "é", "😀",
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
            any::<u8>().prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(bit, 0..40).prop_map(|bits| bits.concat())
    }

    proptest! {
        #[test]
        fn no_control_but_colours_and_tabs(message in bytes()) {
            let mut rest = shown(&message, true);
            while let Some(at) = rest.find('\u{1b}') {
                let length = sgr_length(&rest.as_bytes()[at..]);
                prop_assert!(length.is_some(), "an escape that isn't SGR in {rest:?}");
                rest.replace_range(at..at + length.unwrap_or_default(), "");
            }
            // Taking sequences out never joins the rest to a new one.
            prop_assert!(rest.chars().all(|char| char == '\t' || !char.is_control()));
            prop_assert_eq!(rest, shown(&message, false));
        }

        #[test]
        fn no_control_at_all_without_colour(message in bytes()) {
            let shown = shown(&message, false);
            prop_assert!(shown.chars().all(|char| char == '\t' || !char.is_control()));
        }

        #[test]
        fn what_is_safe_stays_as_it_is(message in bytes()) {
            let once = shown(&message, true);
            prop_assert_eq!(shown(once.as_bytes(), true), once);
        }
    }
}
