//! What a domain writes must not drive the terminal that shows it.

use std::io::Write as _;

/// A colour sequence longer than this isn't one.
const SGR_MAX: usize = 64;

/// Appends `message` to `out` in a form that can do nothing to a terminal but print.
///
/// Colour sequences (SGR, `ESC [ … m`) pass if `colour`, else they are left out. Every other
/// control character becomes visible: ESC as `␛`, BEL as `␇`, CR as `␍`, C1 controls as `\x9b`.
/// So the start of an OSC 52 reads `␛]52`. Made visible, as `\u202e`, are also the characters that
/// turn the direction of what follows or begin a new line in their own way: they can make a line
/// read as another. Tabs stay. Bytes that aren't UTF-8 become U+FFFD.
///
/// Gives whether a colour is still on at the end; then a reset should follow.
pub fn sanitize(message: &[u8], colour: bool, out: &mut Vec<u8>) -> bool {
    if is_plain_ascii(message) {
        out.extend_from_slice(message);
        return false;
    }
    let mut open = false;
    for chunk in message.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find(is_unsafe_char) {
            let (plain, control) = rest.split_at(at);
            out.extend_from_slice(plain.as_bytes());
            rest = match sgr_length(control.as_bytes()) {
                Some(length) => {
                    let (sgr, later) = control.split_at(length);
                    if colour {
                        out.extend_from_slice(sgr.as_bytes());
                        open = !is_reset(sgr);
                    }
                    later
                }
                None => {
                    let mut chars = control.chars();
                    if let Some(control) = chars.next() {
                        escape(control, out);
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
    open
}

/// Whether a character may drive a terminal, or turn what is read around. A tab is one of them.
pub(crate) fn is_unsafe_char(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Whether there is nothing but printable ASCII and tabs, as in most lines.
fn is_plain_ascii(message: &[u8]) -> bool {
    // Whole blocks without a way out in between: compilers make vector code of that.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let (blocks, rest) = message.as_chunks::<32>();
    let plain_block = |block: &[u8; 32]| {
        block
            .iter()
            .fold(true, |plain, byte| plain & is_plain(byte))
    };
    blocks.iter().all(plain_block) && rest.iter().all(is_plain)
}

/// Whether a colour sequence ends all colours: `ESC [ m`, `ESC [ 0 m`. (`38;5;0` is a black.)
fn is_reset(sgr: &str) -> bool {
    sgr[2..sgr.len() - 1]
        .bytes()
        .all(|byte| matches!(byte, b'0' | b';'))
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

fn escape(control: char, out: &mut Vec<u8>) {
    match control {
        '\t' => out.push(b'\t'),
        '\u{7f}' => push_char('\u{2421}', out),
        '\u{0}'..='\u{1f}' => {
            // The block of control pictures has the order of the controls.
            let picture = char::from_u32(0x2400 + u32::from(control));
            push_char(picture.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
        '\u{80}'..='\u{9f}' => {
            write!(out, "\\x{:02x}", u32::from(control)).expect("a Vec takes every write");
        }
        other => write!(out, "\\u{:04x}", u32::from(other)).expect("a Vec takes every write"),
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
        sanitize(message, colour, &mut out);
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
            // Titles, modes, cursor, scrolling, reports, saved state.
            (b"\x1b]0;title\x1b\\x", "␛]0;title␛\\x"),
            (
                b"\x1b[?1049h\x1b[3;4H\x1b[6n\x1b7\x1bc",
                "␛[?1049h␛[3;4H␛[6n␛7␛c",
            ),
            // Hyperlinks, DCS, APC, PM, SOS, character sets.
            (b"\x1b]8;;http://x\x1b\\", "␛]8;;http://x␛\\"),
            (
                b"\x1bP+q\x1b\\\x1b_Ga\x1b\\\x1b^p\x1bXs\x1b(0\x0e",
                "␛P+q␛\\␛_Ga␛\\␛^p␛Xs␛(0␎",
            ),
            // What only looks like SGR: private and intermediate bytes, spaces, a break within.
            (
                b"\x1b[?25m\x1b[>4;2m\x1b[1 m\x1b[1$m",
                "␛[?25m␛[>4;2m␛[1 m␛[1$m",
            ),
            (b"\x1b[3\r1m\x1b[\x1b[m", "␛[3␍1m␛["),
            (b"\x1b [31m\x1b\x1b[0m", "␛ [31m␛"),
            // C1, as UTF-8 and as bytes of its own: CSI, OSC, DCS, ST.
            (
                "\u{9b}2J\u{9d}52;c;x\u{9c}\u{90}".as_bytes(),
                "\\x9b2J\\x9d52;c;x\\x9c\\x90",
            ),
            (b"\x9b31m\x9d0;t\x9c", "\u{fffd}31m\u{fffd}0;t\u{fffd}"),
            // Direction and lines.
            (
                "a\u{202e}b\u{202a}\u{202c}\u{2066}\u{2069}\u{2028}".as_bytes(),
                "a\\u202eb\\u202a\\u202c\\u2066\\u2069\\u2028",
            ),
            ("\u{200d}\u{200e}".as_bytes(), "\u{200d}\u{200e}"),
        ] {
            let coloured = shown(bytes, true);
            assert_eq!(
                coloured.replace("\u{1b}[m", "").replace("\u{1b}[0m", ""),
                text
            );
            assert_eq!(shown(bytes, false), text);
        }
    }

    #[test]
    fn an_endless_colour_sequence_is_none() {
        let text = format!("\x1b[{}m", "1;".repeat(100));
        assert!(shown(text.as_bytes(), true).starts_with("␛[1;"));
    }

    #[test]
    fn a_colour_that_is_left_on_is_told() {
        for (text, open) in [
            ("plain", false),
            ("\u{1b}[31mred", true),
            ("\u{1b}[31mred\u{1b}[0m", false),
            ("\u{1b}[31mred\u{1b}[m \u{1b}[0;0m", false),
            ("\u{1b}[0m\u{1b}[1m", true),
            ("\u{1b}[38;5;0mblack", true),
            ("\u{1b}[31mred\u{1b}[39m", true),
            ("\u{1b}[31mred\u{1b}[0K", true),
        ] {
            assert_eq!(
                sanitize(text.as_bytes(), true, &mut Vec::new()),
                open,
                "{text:?}"
            );
            assert!(
                !sanitize(text.as_bytes(), false, &mut Vec::new()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn plain_is_plain_at_any_length() {
        for length in 0..100 {
            let mut line = vec![b'x'; length];
            assert!(is_plain_ascii(&line));
            for at in 0..length {
                line[at] = 0x1b;
                assert!(!is_plain_ascii(&line), "{at} of {length}");
                line[at] = b'\t';
            }
            assert!(is_plain_ascii(&line));
        }
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let bit = prop_oneof![
            prop::sample::select(vec![
                "\u{1b}[", "\u{1b}]", "\u{1b}", "[", "m", ";", ":", "0", "31", "K", "\u{9b}",
                "\u{9d}", "\u{7}", "\t", "\r", "x", "é", "😀", "\u{202e}", "\u{2068}", "\u{2029}",
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
            prop_assert!(rest.chars().all(|char| char == '\t' || !is_unsafe_char(char)));
            prop_assert_eq!(rest, shown(&message, false));
        }

        #[test]
        fn no_control_at_all_without_colour(message in bytes()) {
            let shown = shown(&message, false);
            prop_assert!(shown.chars().all(|char| char == '\t' || !is_unsafe_char(char)));
        }

        #[test]
        fn what_is_safe_stays_as_it_is(message in bytes()) {
            let once = shown(&message, true);
            prop_assert_eq!(shown(once.as_bytes(), true), once);
        }
    }
}
