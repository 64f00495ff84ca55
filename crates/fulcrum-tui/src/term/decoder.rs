//! The bytes that a terminal sends, as events. Pure: whether more bytes may follow is an argument.

use super::event::{Key, Mouse, MouseKind, TermEvent};

const ESC: u8 = 0x1b;
/// Before and after pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";
/// A longer sequence that does not end is none.
const MAX_SEQUENCE: usize = 64;
/// A longer paste is delivered in parts.
const MAX_PASTE: usize = 64 * 1024;

/// Decodes input. Bytes of a sequence that is not complete are kept.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

/// The first event of some bytes, and their number.
enum Step {
    Incomplete,
    Event(TermEvent, usize),
    Skip(usize),
}

impl Decoder {
    /// The events of these bytes and those that were kept.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<TermEvent> {
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        loop {
            match step(&self.pending) {
                Step::Incomplete => return events,
                Step::Event(event, length) => {
                    events.push(event);
                    self.pending.drain(..length);
                }
                Step::Skip(length) => drop(self.pending.drain(..length)),
            }
        }
    }

    /// Whether bytes were kept. After a short while without more, call [`flush`](Self::flush).
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The events of the kept bytes when nothing follows them: a lone ESC is the key.
    pub fn flush(&mut self) -> Vec<TermEvent> {
        let kept = std::mem::take(&mut self.pending);
        let Some((ESC, rest)) = kept.split_first().map(|(first, rest)| (*first, rest)) else {
            return Vec::new();
        };
        let mut events = vec![TermEvent::Key(Key::Esc)];
        // A sequence that was cut off is no text.
        if !rest.is_empty() && !matches!(rest[0], b'[' | b'O') {
            events.extend(self.feed(rest));
        }
        events
    }
}

fn step(bytes: &[u8]) -> Step {
    let Some(first) = bytes.first() else {
        return Step::Incomplete;
    };
    match *first {
        ESC => escape(bytes),
        b'\r' | b'\n' => key(Key::Enter, 1),
        b'\t' => key(Key::Tab, 1),
        0x08 | 0x7f => key(Key::Backspace, 1),
        0 => key(Key::Ctrl(' '), 1),
        control @ 0x01..=0x1a => key(Key::Ctrl(char::from(b'a' + control - 1)), 1),
        0x1c..=0x1f => Step::Skip(1),
        _ => match character(bytes) {
            Some((char, length)) => key(Key::Char(char), length),
            None if bytes.len() < 4 && is_utf8_start(*first, bytes.len()) => Step::Incomplete,
            None => Step::Skip(1),
        },
    }
}

fn key(key: Key, length: usize) -> Step {
    Step::Event(TermEvent::Key(key), length)
}

fn escape(bytes: &[u8]) -> Step {
    match bytes.get(1) {
        None => Step::Incomplete,
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => match bytes.get(2) {
            None => Step::Incomplete,
            Some(last) => match cursor_key(*last) {
                Some(found) => key(found, 3),
                None => Step::Skip(3),
            },
        },
        Some(&ESC) => key(Key::Esc, 1),
        Some(_) => match character(&bytes[1..]) {
            Some((char, length)) if !char.is_control() => key(Key::Alt(char), 1 + length),
            _ => key(Key::Esc, 1),
        },
    }
}

/// `ESC [ parameters final`.
fn control_sequence(bytes: &[u8]) -> Step {
    // Function keys of the Linux console.
    if bytes.get(2) == Some(&b'[') {
        return match bytes.get(3) {
            None => Step::Incomplete,
            Some(letter @ b'A'..=b'E') => key(Key::F(letter - b'A' + 1), 4),
            Some(_) => Step::Skip(4),
        };
    }
    let is_final = |byte: &u8| (0x40..=0x7e).contains(byte);
    let Some(at) = bytes[2..].iter().position(is_final) else {
        return match bytes.len() > MAX_SEQUENCE {
            true => Step::Skip(bytes.len()),
            false => Step::Incomplete,
        };
    };
    let (parameters, last, length) = (&bytes[2..2 + at], bytes[2 + at], at + 3);
    let parameters = std::str::from_utf8(parameters).unwrap_or_default();
    if let Some(mouse) = parameters.strip_prefix('<') {
        return match mouse_event(mouse, last) {
            Some(mouse) => Step::Event(TermEvent::Mouse(mouse), length),
            None => Step::Skip(length),
        };
    }
    let found = match last {
        b'I' => return Step::Event(TermEvent::Focus(true), length),
        b'O' => return Step::Event(TermEvent::Focus(false), length),
        // The old form of mouse reports has three more bytes.
        b'M' if parameters.is_empty() => return Step::Skip((length + 3).min(bytes.len())),
        b'~' if parameters == "200" => return paste(bytes, length),
        b'~' => numbered_key(parameters),
        b'Z' => Some(Key::BackTab),
        letter => cursor_key(letter),
    };
    match found {
        Some(found) => key(found, length),
        None => Step::Skip(length),
    }
}

fn paste(bytes: &[u8], start: usize) -> Step {
    let text = &bytes[start..];
    let lossy = |text: &[u8]| TermEvent::Paste(String::from_utf8_lossy(text).into_owned());
    match text
        .windows(PASTE_END.len())
        .position(|end| end == PASTE_END)
    {
        Some(at) => Step::Event(lossy(&text[..at]), start + at + PASTE_END.len()),
        None if text.len() > MAX_PASTE => Step::Event(lossy(text), bytes.len()),
        None => Step::Incomplete,
    }
}

fn cursor_key(letter: u8) -> Option<Key> {
    Some(match letter {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'P'..=b'S' => Key::F(letter - b'P' + 1),
        _ => return None,
    })
}

fn numbered_key(parameters: &str) -> Option<Key> {
    let number: u8 = parameters.split(';').next()?.parse().ok()?;
    Some(match number {
        1 | 7 => Key::Home,
        3 => Key::Delete,
        4 | 8 => Key::End,
        5 => Key::PageUp,
        6 => Key::PageDown,
        11..=15 => Key::F(number - 10),
        17..=21 => Key::F(number - 11),
        23 | 24 => Key::F(number - 12),
        _ => return None,
    })
}

/// `button;column;row`, then `M` for a press and `m` for a release.
fn mouse_event(parameters: &str, last: u8) -> Option<Mouse> {
    let mut numbers = parameters.split(';').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    let (button, column, row) = (next()?, next()?, next()?);
    // Without the bits of Shift, Alt and Ctrl.
    let kind = match (button & !0b1_1100, last) {
        (0, b'M') => MouseKind::Press,
        (64, b'M') => MouseKind::ScrollUp,
        (65, b'M') => MouseKind::ScrollDown,
        _ => return None,
    };
    Some(Mouse {
        kind,
        column: column.saturating_sub(1),
        row: row.saturating_sub(1),
    })
}

/// The first character and its bytes.
fn character(bytes: &[u8]) -> Option<(char, usize)> {
    let chunk = bytes.utf8_chunks().next()?;
    let char = chunk.valid().chars().next()?;
    Some((char, char.len_utf8()))
}

/// Whether a byte begins a character that has more than `length` bytes.
fn is_utf8_start(first: u8, length: usize) -> bool {
    let wanted = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 0,
    };
    wanted > length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<TermEvent> {
        let mut decoder = Decoder::default();
        let mut events = decoder.feed(bytes);
        events.extend(decoder.flush());
        events
    }

    #[test]
    fn keys_of_xterm_tmux_and_the_console() {
        for (bytes, expected) in [
            (&b"q"[..], Key::Char('q')),
            ("é".as_bytes(), Key::Char('é')),
            ("日".as_bytes(), Key::Char('日')),
            (b"\r", Key::Enter),
            (b"\n", Key::Enter),
            (b"\t", Key::Tab),
            (b"\x1b[Z", Key::BackTab),
            (b"\x7f", Key::Backspace),
            (b"\x03", Key::Ctrl('c')),
            (b"\x1a", Key::Ctrl('z')),
            (b"\x1b", Key::Esc),
            (b"\x1bx", Key::Alt('x')),
            (b"\x1b[A", Key::Up),
            (b"\x1bOA", Key::Up),
            (b"\x1b[1;5B", Key::Down),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6~", Key::PageDown),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[F", Key::End),
            (b"\x1b[3~", Key::Delete),
            (b"\x1bOP", Key::F(1)),
            (b"\x1b[11~", Key::F(1)),
            (b"\x1b[15~", Key::F(5)),
            (b"\x1b[21~", Key::F(10)),
            (b"\x1b[[A", Key::F(1)),
        ] {
            assert_eq!(keys(bytes), [TermEvent::Key(expected)], "{bytes:?}");
        }
    }

    #[test]
    fn a_sequence_may_come_in_parts() {
        let mut decoder = Decoder::default();
        for part in [&b"\x1b"[..], b"[", b"1;5"] {
            assert_eq!(decoder.feed(part), []);
            assert!(decoder.is_pending());
        }
        assert_eq!(decoder.feed(b"A"), [TermEvent::Key(Key::Up)]);
        assert!(!decoder.is_pending());
        assert_eq!(decoder.feed(&[0xe6, 0x97]), []);
        assert_eq!(decoder.feed(&[0xa5]), [TermEvent::Key(Key::Char('日'))]);
    }

    #[test]
    fn mouse_focus_and_paste() {
        let mouse = |kind, column, row| TermEvent::Mouse(Mouse { kind, column, row });
        assert_eq!(keys(b"\x1b[<0;5;3M"), [mouse(MouseKind::Press, 4, 2)]);
        assert_eq!(keys(b"\x1b[<0;5;3m"), []);
        assert_eq!(keys(b"\x1b[<64;1;1M"), [mouse(MouseKind::ScrollUp, 0, 0)]);
        assert_eq!(keys(b"\x1b[<65;1;1M"), [mouse(MouseKind::ScrollDown, 0, 0)]);
        assert_eq!(
            keys(b"\x1b[I\x1b[O"),
            [TermEvent::Focus(true), TermEvent::Focus(false)]
        );
        // The keys in a pasted text are text.
        assert_eq!(
            keys(b"\x1b[200~q\x1b[Ar\x1b[201~x"),
            [
                TermEvent::Paste("q\u{1b}[Ar".into()),
                TermEvent::Key(Key::Char('x'))
            ]
        );
    }

    #[test]
    fn unknown_sequences_and_broken_text_are_skipped() {
        let x = TermEvent::Key(Key::Char('x'));
        for bytes in [
            &b"\x1b[?62;4cx"[..],
            b"\x1b[99~x",
            b"\x1bOzx",
            b"\xff\xfex",
            b"\x1cx",
        ] {
            assert_eq!(keys(bytes), std::slice::from_ref(&x), "{bytes:?}");
        }
    }
}
