//! The call stack of paused JavaScript, as text.

use std::path::Path;

/// How many calls are named.
const MAX_CALLS: usize = 3;

/// One call on the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The inspector's id of the call frame (`callFrameId`).
    pub id: String,
    /// The function's name; empty for an anonymous function.
    pub function: String,
    /// The script: a file's URL or path, or `node:` and a built-in module.
    pub url: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
}

/// Describes the innermost calls; files below `root` are displayed relative to it. `None` where
/// no call of a script is on the stack: the event loop waits, and no JavaScript runs.
#[must_use]
pub fn describe_stack(frames: &[Frame], root: &Path) -> Option<String> {
    let is_script = |frame: &&Frame| !frame.url.starts_with("node:");
    let innermost = frames.first()?;
    // Of Node's built-in functions, only the innermost one is of interest.
    let builtin = (!is_script(&innermost)).then(|| describe_function(innermost));
    let mut calls = frames
        .iter()
        .filter(is_script)
        .take(MAX_CALLS)
        .map(|frame| {
            let location = display_location(&frame.url, root);
            format!(
                "{} at {location}:{}:{}",
                describe_function(frame),
                frame.line,
                frame.column
            )
        });
    let mut text = match (builtin, calls.next()) {
        (Some(builtin), Some(call)) => format!("stuck in {builtin}, called from {call}"),
        (Some(builtin), None) => format!("stuck in {builtin}"),
        (None, Some(call)) => format!("stuck in {call}"),
        (None, None) => return None,
    };
    for call in calls {
        text.push_str(&format!(", called from {call}"));
    }
    Some(text)
}

fn describe_function(frame: &Frame) -> String {
    let function = if frame.function.is_empty() {
        "an anonymous function"
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
    let path = percent_decode(path);
    let relative = Path::new(&path).strip_prefix(root);
    relative.map_or_else(|_| path.clone(), |below| below.display().to_string())
}

/// Replaces `%20` and the like in the path of a URL.
fn percent_decode(path: &str) -> String {
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

    fn describe(frames: &[Frame]) -> Option<String> {
        describe_stack(frames, Path::new("/srv/my shop"))
    }

    #[test]
    fn calls_are_described_with_file_line_and_column() {
        let file = "file:///srv/my%20shop/domains/pricing/domain.js";
        let frames = [
            frame("computePrice", file, 12),
            frame("", file, 30),
            frame("emit", "node:events", 517),
            frame("main", "/elsewhere/lib.cjs", 1),
        ];
        assert_eq!(
            describe(&frames).as_deref(),
            Some(
                "stuck in computePrice at domains/pricing/domain.js:12:5, called from an anonymous \
                 function at domains/pricing/domain.js:30:5, called from main at \
                 /elsewhere/lib.cjs:1:5"
            )
        );
    }

    #[test]
    fn a_built_in_function_is_described_with_its_caller() {
        let frames = [
            frame("pbkdf2Sync", "node:internal/crypto/pbkdf2", 68),
            frame("wrap", "node:internal/x", 1),
            frame("hash", "/srv/my shop/a.js", 3),
        ];
        assert_eq!(
            describe(&frames).as_deref(),
            Some("stuck in pbkdf2Sync (node:internal/crypto/pbkdf2), called from hash at a.js:3:5")
        );
        assert_eq!(describe(&[]), None);
    }
}
