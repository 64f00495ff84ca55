//! The start of a line without color sequences.

use std::borrow::Cow;

use crate::sanitize::sgr_length;

/// Bytes of a line in which a level is searched. Further in, the word is part of the text.
const MAX_PREFIX: usize = 128;

/// Bytes that are read for them, color sequences included.
const MAX_COLORED_PREFIX: usize = 512;

/// The start of a line as a reader sees it, and where its color changes.
pub(super) struct PlainHead<'a> {
    text: Cow<'a, [u8]>,
    /// Bit `n`: a color sequence stands before byte `n` of the text.
    color_changes: u128,
}

impl<'a> PlainHead<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        let head = &message[..message.len().min(MAX_PREFIX)];
        // Most lines have no color.
        if memchr::memchr(0x1b, head).is_none() {
            return Self {
                text: Cow::Borrowed(head),
                color_changes: 0,
            };
        }
        let mut rest = &message[..message.len().min(MAX_COLORED_PREFIX)];
        let mut text = Vec::with_capacity(MAX_PREFIX);
        let mut color_changes = 0;
        while let Some((byte, later)) = rest.split_first() {
            if let Some(length) = sgr_length(rest) {
                color_changes |= 1_u128.checked_shl(bit(text.len())).unwrap_or(0);
                rest = &rest[length..];
            } else if text.len() < MAX_PREFIX {
                text.push(*byte);
                rest = later;
            } else {
                break;
            }
        }
        Self {
            text: Cow::Owned(text),
            color_changes,
        }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether the color changes directly before this byte.
    pub(super) fn changes_color_at(&self, at: usize) -> bool {
        self.color_changes
            .checked_shr(bit(at))
            .is_some_and(|bits| bits & 1 == 1)
    }
}

fn bit(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
