//! A domain's last lines, cut to what belongs to its end.

use super::ExitContext;

/// The last lines, and what of them can be read without knowing what is looked for.
pub(super) struct StderrTail<'a> {
    /// Everything there is.
    pub(super) all: &'a [String],
    /// From the line that names the last error; everything if there is none.
    pub(super) error: &'a [String],
    /// Where in the code it happened, as `path:line` or `path:line:column`.
    place: Option<&'a str>,
    /// Node itself reported the error as uncaught.
    pub(super) uncaught: bool,
    /// What was thrown and is no error, as Node prints it.
    pub(super) thrown: Option<&'a str>,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    folder: &'a str,
    app: &'a str,
}

impl<'a> StderrTail<'a> {
    pub(super) fn new(case: &ExitContext<'a>) -> Self {
        let all = case.stderr;
        let headline = all.iter().rposition(|line| is_error_line(line));
        let error = headline.map_or(all, |at| &all[at..]);
        let before = headline.map_or(&all[..0], |at| &all[..at]);
        let reported = all.iter().any(|line| line.starts_with("Node.js v"));
        let thrown = all
            .iter()
            .rposition(|line| line.starts_with("(Use `node --trace-uncaught"))
            .filter(|at| *at > 0 && reported);
        let before = thrown.map_or(before, |at| &all[..at - 1]);
        Self {
            all,
            error,
            place: place(before, error),
            uncaught: headline.is_some() && reported,
            thrown: thrown.map(|at| all[at - 1].trim()),
            code: case.code,
            signal: case.signal,
            folder: case.domain_dir,
            app: case.app,
        }
    }

    /// What follows `marker` in the first line that has it.
    pub(super) fn after(&self, marker: &str) -> Option<&'a str> {
        let mut lines = self.error.iter();
        lines.find_map(|line| line.split_once(marker).map(|(_, after)| after.trim()))
    }

    pub(super) fn contains(&self, words: &str) -> bool {
        self.after(words).is_some()
    }

    /// ` at domain.js:7:9`, or nothing.
    pub(super) fn at(&self) -> String {
        self.place
            .map(|place| format!(" at {}", self.short(place)))
            .unwrap_or_default()
    }

    /// A path as people write it: relative to the domain's folder or to the app.
    pub(super) fn short<'p>(&self, path: &'p str) -> &'p str {
        let path = without_scheme(path);
        inside(path, self.folder)
            .or_else(|| inside(path, self.app))
            .unwrap_or(path)
    }

    /// The folder in which to install what the file `importer` lacks, in words. Node looks upward
    /// from the importer.
    pub(super) fn package_dir_of(&self, importer: Option<&str>) -> String {
        let importer = importer.map(without_scheme);
        let outside = importer.is_some_and(|importer| inside(importer, self.folder).is_none());
        match inside(self.folder, self.app) {
            Some(_) if outside && importer.is_some_and(|file| inside(file, self.app).is_some()) => {
                "the app's folder".to_owned()
            }
            Some(folder) => folder.to_owned(),
            None => "the domain's folder".to_owned(),
        }
    }
}

/// The path below `folder`, if it is in there.
fn inside<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    if folder.is_empty() {
        return None;
    }
    path.strip_prefix(folder)?.strip_prefix('/')
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

/// Node puts `path:line` above the offending code, and that above the headline. The stack has the
/// column too, and its first frame in the user's own code is worth more than a place in a package.
fn place<'a>(before: &'a [String], error: &'a [String]) -> Option<&'a str> {
    let above = place_above(before);
    let own = places_in_stack(error).find(|place| !place.contains("/node_modules/"));
    let foreign = |place: &str| place.contains("/node_modules/");
    match (above, own) {
        (Some(above), Some(own)) if own.starts_with(above) || foreign(above) => Some(own),
        (Some(above), _) => Some(above),
        (None, Some(own)) => Some(own),
        (None, None) => places_in_stack(error).next(),
    }
}

fn place_above(before: &[String]) -> Option<&str> {
    let lines = before.iter().rev().take(6);
    lines
        .map(|line| without_scheme(line))
        .find(|line| is_place(line))
}

/// The frames that aren't Node's own.
fn places_in_stack(error: &[String]) -> impl Iterator<Item = &str> {
    error.iter().filter_map(|line| {
        let frame = line.trim_start().strip_prefix("at ")?;
        let place = match frame.rsplit_once('(') {
            // What follows it is the error's own fields.
            Some((_, place)) => place.split_once(')')?.0,
            None => frame.strip_prefix("async ").unwrap_or(frame),
        };
        let place = without_scheme(place);
        is_place(place).then_some(place)
    })
}

fn without_scheme(place: &str) -> &str {
    place.strip_prefix("file://").unwrap_or(place)
}

fn is_place(text: &str) -> bool {
    text.starts_with('/')
        && text.rsplit_once(':').is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}
