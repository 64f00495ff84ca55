//! Makes output safe for a terminal.

use std::borrow::Cow;
use std::io::Write as _;

/// The longest color sequence, in bytes of parameters.
const MAX_SGR_LEN: usize = 64;

/// Appends `message` to `out` so that it cannot control a terminal.
///
/// Color sequences (SGR, `ESC [ … m`) are copied if `color`, else removed. Every other control
/// character becomes visible: ESC as `␛`, BEL as `␇`, CR as `␍`, C1 controls as `\x9b`. So an OSC 52
/// starts with `␛]52`. Characters that change the direction of text or separate lines become
/// visible, too, as `\u202e`, since they can make a line look like another one. Tabs stay. Bytes that
/// are not UTF-8 become U+FFFD.
///
/// Returns whether a color is still on at the end; then a reset should follow.
pub fn sanitize(message: &[u8], color: bool, out: &mut Vec<u8>) -> bool {
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
                    if color {
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

/// Whether a character can control a terminal or change the direction of text. A tab is one.
pub(crate) fn is_unsafe_char(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Whether the text is printable ASCII and tabs only, as most lines are.
fn is_plain_ascii(message: &[u8]) -> bool {
    count_unprintable(message) == 0 || is_all(message, |byte| matches!(byte, b' '..=b'~' | b'\t'))
}

/// The same for many lines with their ends, each of which is an LF.
pub(crate) fn is_plain_text(lines: &[u8]) -> bool {
    is_all(lines, |byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n'))
}

/// The number of bytes that are not printable ASCII. Most texts need no other test: their line ends
/// are all such bytes.
///
/// Eight bytes at once, by arithmetic: whether the compiler makes vectors of a loop over bytes depends
/// on the settings of the program that is linked, and without them it takes ten times as long.
pub(crate) fn count_unprintable(text: &[u8]) -> usize {
    const PAIRS: u64 = 0x00ff_00ff_00ff_00ff;
    let (words, rest) = text.as_chunks::<8>();
    let mut count = 0;
    // The counters have one byte each, and do not overflow in a part.
    for part in words.chunks(usize::from(u8::MAX)) {
        let counters = part.iter().fold(0, |counters, word| {
            counters + unprintable(u64::from_le_bytes(*word))
        });
        let pairs = (counters & PAIRS) + ((counters >> 8) & PAIRS);
        count += pairs
            .to_le_bytes()
            .as_chunks::<2>()
            .0
            .iter()
            .fold(0, |sum, pair| sum + usize::from(u16::from_le_bytes(*pair)));
    }
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
    count + rest.iter().filter(|byte| !is_printable(byte)).count()
}

/// 1 for each of the eight bytes that is not printable ASCII, 0 for the others.
fn unprintable(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x80 * EACH;
    // Without their high bits, no sum carries into the next byte.
    let ascii = word & !HIGH_BITS;
    let from_space = ascii + (0x80 - u64::from(b' ')) * EACH;
    let is_del = ascii + EACH;
    ((!from_space | is_del | word) & HIGH_BITS) >> 7
}

/// Whether all bytes are of a kind, as those of most texts are.
pub(crate) fn is_all(message: &[u8], is_plain: impl Fn(&u8) -> bool) -> bool {
    // Blocks without an early exit, which the compiler vectorizes.
    let (blocks, rest) = message.as_chunks::<32>();
    let plain_block = |block: &[u8; 32]| {
        block
            .iter()
            .fold(true, |plain, byte| plain & is_plain(byte))
    };
    blocks.iter().all(plain_block) && rest.iter().all(&is_plain)
}

/// Whether a color sequence is a reset: `ESC [ m`, `ESC [ 0 m`. (`38;5;0` is a black.)
fn is_reset(sgr: &str) -> bool {
    sgr[2..sgr.len() - 1]
        .bytes()
        .all(|byte| matches!(byte, b'0' | b';'))
}

/// The length of the color sequence at the start of `text`.
pub(crate) fn sgr_length(text: &[u8]) -> Option<usize> {
    let parameters = text.strip_prefix(b"\x1b[")?;
    let end = parameters
        .iter()
        .take(MAX_SGR_LEN)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (parameters[end] == b'm').then_some(end + 3)
}

/// The text without color sequences, as it is read on a terminal.
#[must_use]
pub fn strip_colors(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(0x1b, text) else {
        return Cow::Borrowed(text);
    };
    let (plain, mut rest) = text.split_at(first);
    let mut stripped = plain.to_vec();
    loop {
        rest = &rest[sgr_length(rest).unwrap_or(0)..];
        let Some((byte, later)) = rest.split_first() else {
            return Cow::Owned(stripped);
        };
        // The rest up to the next sequence, which may follow at once.
        if sgr_length(rest).is_some() {
            continue;
        }
        stripped.push(*byte);
        let next = memchr::memchr(0x1b, later).unwrap_or(later.len());
        stripped.extend_from_slice(&later[..next]);
        rest = &later[next..];
    }
}

fn escape(control: char, out: &mut Vec<u8>) {
    match control {
        '\t' => out.push(b'\t'),
        '\u{7f}' => push_char('\u{2421}', out),
        '\u{0}'..='\u{1f}' => {
            // Control pictures have the order of the control characters.
            let picture = char::from_u32(0x2400 + u32::from(control));
            push_char(picture.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
        '\u{80}'..='\u{9f}' => {
            write!(out, "\\x{:02x}", u32::from(control)).expect("writing to a Vec cannot fail");
        }
        other => write!(out, "\\u{:04x}", u32::from(other)).expect("writing to a Vec cannot fail"),
    }
}

fn push_char(char: char, out: &mut Vec<u8>) {
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sanitized(message: &[u8], color: bool) -> String {
        let mut out = Vec::new();
        sanitize(message, color, &mut out);
        String::from_utf8(out).expect("always UTF-8")
    }

    #[test]
    fn colors_are_copied_or_removed() {
        let text = b"\x1b[31mred\x1b[0m \x1b[1;38;5;200mpink\x1b[38:2::1:2:3m\x1b[m";
        assert_eq!(sanitized(text, true).as_bytes(), text);
        assert_eq!(sanitized(text, false), "red pink");
    }

    #[test]
    fn other_control_sequences_become_visible() {
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
            // Similar to SGR: private and intermediate bytes, spaces, an interruption.
            (
                b"\x1b[?25m\x1b[>4;2m\x1b[1 m\x1b[1$m",
                "␛[?25m␛[>4;2m␛[1 m␛[1$m",
            ),
            (b"\x1b[3\r1m\x1b[\x1b[m", "␛[3␍1m␛["),
            (b"\x1b [31m\x1b\x1b[0m", "␛ [31m␛"),
            // C1, as UTF-8 and as single bytes: CSI, OSC, DCS, ST.
            (
                "\u{9b}2J\u{9d}52;c;x\u{9c}\u{90}".as_bytes(),
                "\\x9b2J\\x9d52;c;x\\x9c\\x90",
            ),
            (b"\x9b31m\x9d0;t\x9c", "\u{fffd}31m\u{fffd}0;t\u{fffd}"),
            // Direction and line separators.
            (
                "a\u{202e}b\u{202a}\u{202c}\u{2066}\u{2069}\u{2028}".as_bytes(),
                "a\\u202eb\\u202a\\u202c\\u2066\\u2069\\u2028",
            ),
            ("\u{200d}\u{200e}".as_bytes(), "\u{200d}\u{200e}"),
        ] {
            let with_color = sanitized(bytes, true);
            assert_eq!(
                with_color.replace("\u{1b}[m", "").replace("\u{1b}[0m", ""),
                text
            );
            assert_eq!(sanitized(bytes, false), text);
        }
    }

    #[test]
    fn an_overlong_color_sequence_becomes_visible() {
        let text = format!("\x1b[{}m", "1;".repeat(100));
        assert!(sanitized(text.as_bytes(), true).starts_with("␛[1;"));
    }

    #[test]
    fn a_color_that_is_left_on_is_reported() {
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
    fn plain_ascii_is_recognized_at_any_length() {
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

    #[test]
    fn what_is_not_printable_is_counted_in_a_text_of_any_length() {
        for byte in 0..=u8::MAX {
            let expected = usize::from(!matches!(byte, b' '..=b'~'));
            assert_eq!(count_unprintable(&[byte]), expected, "{byte}");
            // Its neighbors do not matter.
            for neighbor in [b'\0', b' ', b'~', 0x7f, 0xff] {
                let other = 7 * usize::from(!matches!(neighbor, b' '..=b'~'));
                let mut word = [neighbor; 8];
                word[3] = byte;
                assert_eq!(count_unprintable(&word), expected + other, "{word:?}");
            }
        }
        for length in [0, 1, 7, 8, 9, 2_039, 2_040, 2_041, 40_000] {
            assert_eq!(count_unprintable(&vec![b'x'; length]), 0);
            assert_eq!(count_unprintable(&vec![b'\n'; length]), length);
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
        fn only_colors_and_tabs_remain(message in bytes()) {
            let mut rest = sanitized(&message, true);
            while let Some(at) = rest.find('\u{1b}') {
                let length = sgr_length(&rest.as_bytes()[at..]);
                prop_assert!(length.is_some(), "an escape that is not SGR in {rest:?}");
                rest.replace_range(at..at + length.unwrap_or_default(), "");
            }
            // Removing sequences never joins the rest to a new one.
            prop_assert!(rest.chars().all(|char| char == '\t' || !is_unsafe_char(char)));
            prop_assert_eq!(rest, sanitized(&message, false));
        }

        #[test]
        fn only_tabs_remain_without_color(message in bytes()) {
            let shown = sanitized(&message, false);
            prop_assert!(shown.chars().all(|char| char == '\t' || !is_unsafe_char(char)));
        }

        #[test]
        fn sanitized_text_does_not_change_again(message in bytes()) {
            let once = sanitized(&message, true);
            prop_assert_eq!(sanitized(once.as_bytes(), true), once);
        }
    }
}
