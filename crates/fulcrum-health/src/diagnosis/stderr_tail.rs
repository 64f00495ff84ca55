//! The last lines of standard error, and the part that belongs to the exit.

use super::types::ExitContext;
use crate::exit::ProgramKind;

/// The last lines, and what all rules need of them.
pub(super) struct StderrTail<'a> {
    /// All lines.
    pub(super) all: &'a [String],
    /// From the line that names the last error; all lines if there is none.
    pub(super) error: &'a [String],
    /// The position in the code, as `path:line` or `path:line:column`.
    position: Option<&'a str>,
    /// Node itself reported the error as uncaught.
    pub(super) uncaught: bool,
    /// A thrown value that is not an Error, as Node prints it.
    pub(super) thrown: Option<&'a str>,
    /// The last lines of standard output.
    pub(super) stdout: &'a [String],
    /// The message of the last line of level error or fatal.
    pub(super) logged_error: Option<&'a str>,
    pub(super) kind: ProgramKind,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    domain_dir: &'a str,
    app: &'a str,
}

impl<'a> StderrTail<'a> {
    pub(super) fn new(context: &ExitContext<'a>) -> Self {
        let all = context.stderr;
        let reported = all.iter().rposition(|line| line.starts_with("Node.js v"));
        let in_report = reported.and_then(|end| reported_error(&all[..end]));
        let thrown = in_report.filter(|at| !has_stack(&all[*at..]));
        let headline = in_report
            .filter(|_| thrown.is_none())
            .or_else(|| all.iter().rposition(|line| is_error_line(line)));
        let error = headline.map_or(all, |at| &all[at..]);
        let before = thrown.or(headline).map_or(&all[..0], |at| &all[..at]);
        Self {
            all,
            error,
            position: position(before, error),
            uncaught: headline.is_some() && reported.is_some(),
            thrown: thrown.map(|at| all[at].trim()),
            stdout: context.stdout,
            logged_error: context.logged_error,
            kind: context.kind,
            code: context.code,
            signal: context.signal,
            domain_dir: context.domain_dir,
            app: context.app,
        }
    }

    /// The text after `marker` in the first line that contains it.
    pub(super) fn after(&self, marker: &str) -> Option<&'a str> {
        text_after(self.error, marker)
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.after(text).is_some()
    }

    /// ` at domain.js:7:9`, or the empty string.
    pub(super) fn at(&self) -> String {
        self.at_position(self.position)
    }

    /// The same for another position.
    pub(super) fn at_position(&self, position: Option<&str>) -> String {
        position
            .map(|position| format!(" at {}", self.short(position)))
            .unwrap_or_default()
    }

    /// Whether the process ended with a failure.
    pub(super) fn failed(&self) -> bool {
        self.code != Some(0)
    }

    /// A path relative to the domain's directory or to the app, if it is below one of them.
    pub(super) fn short<'p>(&self, path: &'p str) -> &'p str {
        let path = without_scheme(path);
        path_below(path, self.domain_dir)
            .or_else(|| path_below(path, self.app))
            .map_or(path, |path| path.trim_start_matches("./"))
    }

    /// The directory in which to install a package that `importer` needs, for a message. Node looks
    /// for packages in the importer's directory and those above it.
    pub(super) fn package_dir_of(&self, importer: Option<&str>) -> String {
        let importer = importer.map(without_scheme);
        let outside =
            importer.is_some_and(|importer| path_below(importer, self.domain_dir).is_none());
        match path_below(self.domain_dir, self.app) {
            Some(_)
                if outside && importer.is_some_and(|file| path_below(file, self.app).is_some()) =>
            {
                "the app's directory".to_owned()
            }
            Some(dir) => dir.to_owned(),
            None => "the domain's directory".to_owned(),
        }
    }
}

/// The text after `marker` in the first of the lines that contains it.
pub(super) fn text_after<'a>(lines: &'a [String], marker: &str) -> Option<&'a str> {
    let found = lines.iter().find_map(|line| line.split_once(marker));
    found.map(|(_, after)| after.trim())
}

/// The path relative to `dir`, if it is below it.
fn path_below<'p>(path: &'p str, dir: &str) -> Option<&'p str> {
    if dir.is_empty() {
        return None;
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}

/// `TypeError: …`, `Error [ERR_X]: …`, `Uncaught …`: the line that names an error.
fn is_error_line(line: &str) -> bool {
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    let name = line.split([':', ' ']).next().unwrap_or_default();
    let known = name.ends_with("Error")
        || name.ends_with("Exception")
        || name == "UnhandledPromiseRejection";
    let rest = &line[name.len()..];
    known
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
        && (rest.starts_with(": ") || rest.starts_with(" [") || rest.is_empty())
}

/// Node prints `path:line` above the offending code, and the code above the error line. The stack
/// has the column too, and its first frame in the user's own code is more useful than a position in
/// a package.
fn position<'a>(before: &'a [String], error: &'a [String]) -> Option<&'a str> {
    let above = position_above(before);
    let own = positions_in_stack(error).find(|position| !is_in_package(position));
    match (above, own) {
        (Some(above), Some(own)) if own.starts_with(above) || is_in_package(above) => Some(own),
        (Some(above), _) => Some(above),
        (None, _) => position_in_stack(error),
    }
}

/// The first position in the user's own code, else in a package.
pub(super) fn position_in_stack(lines: &[String]) -> Option<&str> {
    positions_in_stack(lines)
        .find(|position| !is_in_package(position))
        .or_else(|| positions_in_stack(lines).next())
}

fn is_in_package(position: &str) -> bool {
    position.contains("/node_modules/")
}

fn position_above(before: &[String]) -> Option<&str> {
    let lines = before.iter().rev().take(6);
    lines
        .map(|line| without_scheme(line))
        .find(|line| is_position(line))
}

/// Where Node's report of an uncaught error names it: below the excerpt of the code, whose last line
/// has only carets. `report` ends before the line with the version of Node.
fn reported_error(report: &[String]) -> Option<usize> {
    let carets = report.iter().rposition(|line| {
        let line = line.trim();
        !line.is_empty() && line.bytes().all(|byte| byte == b'^')
    })?;
    let below = report[carets + 1..]
        .iter()
        .position(|line| !line.trim().is_empty())?;
    Some(carets + 1 + below)
}

/// Whether this is an error with frames, and not a thrown value of another kind. `lines` starts with
/// its first line.
fn has_stack(lines: &[String]) -> bool {
    is_error_line(&lines[0])
        || lines
            .iter()
            .any(|line| line.starts_with(' ') && line.trim_start().starts_with("at "))
}

/// Positions in files, without Node's own modules.
pub(super) fn positions_in_stack(error: &[String]) -> impl Iterator<Item = &str> {
    error.iter().filter_map(|line| {
        let frame = line.trim_start().strip_prefix("at ")?;
        let position = match frame.rsplit_once('(') {
            // The error's own fields may follow.
            Some((_, position)) => position.split_once(')')?.0,
            None => frame.strip_prefix("async ").unwrap_or(frame),
        };
        let position = without_scheme(position);
        is_position(position).then_some(position)
    })
}

fn without_scheme(path: &str) -> &str {
    path.strip_prefix("file://").unwrap_or(path)
}

fn is_position(text: &str) -> bool {
    text.starts_with('/')
        && text.rsplit_once(':').is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}
