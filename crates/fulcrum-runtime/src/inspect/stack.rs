//! Where JavaScript is stuck, in words.

use std::path::Path;

/// How many calls are named.
const SHOWN: usize = 3;

/// One call on the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The inspector's name for it.
    pub(crate) id: String,
    /// The function's name; empty where it has none.
    pub(crate) function: String,
    /// The script: a file's URL or path, or `node:` and a module of Node's own.
    pub(crate) url: String,
    /// From 1, as editors count.
    pub(crate) line: u64,
    /// From 1.
    pub(crate) column: u64,
}

/// Names the innermost calls; files below `root` are told as seen from there. `None` without a
/// call: the event loop itself waits, and no JavaScript is under way.
pub(crate) fn describe_stack(frames: &[Frame], root: &Path) -> Option<String> {
    let own = |frame: &&Frame| !frame.url.starts_with("node:");
    let innermost = frames.first()?;
    // What Node's own functions call each other is of no interest, only which was called.
    let within = (!own(&innermost)).then(|| name(innermost));
    let mut calls = frames.iter().filter(own).take(SHOWN).map(|frame| {
        let place = display_location(&frame.url, root);
        format!("{} at {place}:{}:{}", name(frame), frame.line, frame.column)
    });
    let mut text = match (within, calls.next()) {
        (Some(within), Some(call)) => format!("stuck in {within}, called from {call}"),
        (Some(within), None) => format!("stuck in {within}"),
        (None, Some(call)) => format!("stuck in {call}"),
        (None, None) => return None,
    };
    for call in calls {
        text.push_str(&format!(", called from {call}"));
    }
    Some(text)
}

fn name(frame: &Frame) -> String {
    let function = if frame.function.is_empty() {
        "an unnamed function"
    } else {
        &frame.function
    };
    match frame.url.strip_prefix("node:") {
        Some(_) => format!("{function} ({})", frame.url),
        None => function.to_owned(),
    }
}

fn display_location(url: &str, root: &Path) -> String {
    let path = url.strip_prefix("file://").unwrap_or(url);
    let path = decoded(path);
    let shown = Path::new(&path).strip_prefix(root);
    shown.map_or_else(|_| path.clone(), |inside| inside.display().to_string())
}

/// A URL's path has spaces and the like as `%20`.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let code = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, url: &str, line: u64) -> Frame {
        Frame {
            id: String::new(),
            function: function.to_owned(),
            url: url.to_owned(),
            line,
            column: 5,
        }
    }

    fn told(frames: &[Frame]) -> Option<String> {
        describe_stack(frames, Path::new("/srv/my shop"))
    }

    #[test]
    fn the_place_is_told_as_an_editor_knows_it() {
        let file = "file:///srv/my%20shop/domains/pricing/domain.js";
        let frames = [
            frame("computePrice", file, 12),
            frame("", file, 30),
            frame("emit", "node:events", 517),
            frame("main", "/elsewhere/lib.cjs", 1),
        ];
        assert_eq!(
            told(&frames).as_deref(),
            Some(
                "stuck in computePrice at domains/pricing/domain.js:12:5, called from an unnamed \
                 function at domains/pricing/domain.js:30:5, called from main at \
                 /elsewhere/lib.cjs:1:5"
            )
        );
    }

    #[test]
    fn a_function_of_nodes_own_is_told_with_its_caller() {
        let frames = [
            frame("pbkdf2Sync", "node:internal/crypto/pbkdf2", 68),
            frame("wrap", "node:internal/x", 1),
            frame("hash", "/srv/my shop/a.js", 3),
        ];
        assert_eq!(
            told(&frames).as_deref(),
            Some("stuck in pbkdf2Sync (node:internal/crypto/pbkdf2), called from hash at a.js:3:5")
        );
        assert_eq!(told(&[]), None);
    }
}
