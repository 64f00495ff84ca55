//! The output of `tsc --watch --pretty false`, and what of it is new.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One error of the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeError {
    /// The file as an absolute path, its line and its column; none for an error of the options.
    pub(super) position: Option<(PathBuf, u32, u32)>,
    /// The error with its number, such as `TS2322: Type 'string' is not assignable …`.
    pub(super) message: String,
}

impl TypeError {
    /// What it is apart from its place in the file.
    fn identity(&self) -> (Option<&Path>, &str) {
        let file = self.position.as_ref().map(|(file, ..)| file.as_path());
        (file, &self.message)
    }
}

/// Reads the compiler's output line by line.
#[derive(Debug)]
pub(super) struct CompilerOutput {
    /// The compiler's working directory, to which its paths are relative.
    dir: PathBuf,
    errors: Vec<TypeError>,
}

impl CompilerOutput {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            errors: Vec::new(),
        }
    }

    /// Reads the next line. At the end of a round, returns all errors that there are now.
    pub(super) fn read(&mut self, line: &str) -> Option<Vec<TypeError>> {
        if let Some(error) = self.parse(line) {
            self.errors.push(error);
        } else if line.starts_with("  ") {
            // The error before goes on: which part of which type does not match.
            if let Some(error) = self.errors.last_mut() {
                error.message.push(' ');
                error.message.push_str(line.trim());
            }
        } else if line.contains("Starting compilation") || line.contains("File change detected") {
            self.errors.clear();
        } else if line.contains("Watching for file changes") {
            return Some(std::mem::take(&mut self.errors));
        }
        None
    }

    /// Parses `FILE(LINE,COLUMN): error TS1234: TEXT` and `error TS1234: TEXT`.
    fn parse(&self, line: &str) -> Option<TypeError> {
        if let Some(message) = line.strip_prefix("error TS") {
            return Some(TypeError {
                position: None,
                message: format!("TS{message}"),
            });
        }
        let (place, message) = line.split_once("): error TS")?;
        let (file, numbers) = place.rsplit_once('(')?;
        let (line, column) = numbers.split_once(',')?;
        let position = (
            self.dir.join(file),
            line.parse().ok()?,
            column.parse().ok()?,
        );
        Some(TypeError {
            position: Some(position),
            message: format!("TS{message}"),
        })
    }
}

/// What a round has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The errors that were not there before.
    pub(super) new: Vec<TypeError>,
    /// Whether the last error is gone.
    pub(super) all_fixed: bool,
}

/// Compares two rounds. An error that only moved to another line is not new.
pub(super) fn compare(before: &[TypeError], now: &[TypeError]) -> Changes {
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for error in before {
        *known.entry(error.identity()).or_default() += 1;
    }
    let new = now.iter().filter(|error| {
        match known.get_mut(&error.identity()).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                false
            }
            None => true,
        }
    });
    Changes {
        new: new.cloned().collect(),
        all_fixed: !before.is_empty() && now.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(file: &str, line: u32, message: &str) -> TypeError {
        TypeError {
            position: Some((PathBuf::from(file), line, 7)),
            message: message.to_owned(),
        }
    }

    fn rounds(text: &str) -> Vec<Vec<TypeError>> {
        let mut output = CompilerOutput::new(Path::new("/app"));
        text.lines().filter_map(|line| output.read(line)).collect()
    }

    #[test]
    fn each_round_has_the_errors_that_there_are_at_its_end() {
        let text = "9:38:01 PM - Starting compilation in watch mode...\n\
                    \n\
                    domains/a/domain.ts(3,7): error TS2322: Type 'A (1)' is not assignable to type 'B'.\n  \
                      Property 'x' is missing in type 'A'.\n\
                    9:38:02 PM - Found 1 error. Watching for file changes.\n\
                    9:39:00 PM - File change detected. Starting incremental compilation...\n\
                    9:39:00 PM - Found 0 errors. Watching for file changes.\n";
        let message = "TS2322: Type 'A (1)' is not assignable to type 'B'. \
                       Property 'x' is missing in type 'A'.";
        assert_eq!(
            rounds(text),
            [vec![error("/app/domains/a/domain.ts", 3, message)], vec![]]
        );
    }

    #[test]
    fn an_error_of_the_options_has_no_file() {
        let text = "error TS5023: Unknown compiler option 'x'.\n\
                    9:38:02 PM - Found 1 error. Watching for file changes.\n";
        let errors = rounds(text).remove(0);
        assert_eq!(errors[0].position, None);
        assert_eq!(errors[0].message, "TS5023: Unknown compiler option 'x'.");
    }

    #[test]
    fn an_error_is_new_once_also_when_it_moves() {
        let before = [error("/a.ts", 3, "TS1: x"), error("/a.ts", 9, "TS2: y")];
        let moved = [error("/a.ts", 4, "TS1: x"), error("/a.ts", 10, "TS2: y")];
        assert_eq!(compare(&before, &moved), Changes::default());
        let again = [error("/a.ts", 4, "TS1: x"), error("/a.ts", 8, "TS1: x")];
        assert_eq!(
            compare(&before, &again).new,
            [error("/a.ts", 8, "TS1: x")],
            "the same error at a second place"
        );
        assert!(compare(&before, &[]).all_fixed);
        assert_eq!(compare(&[], &[]), Changes::default());
    }
}
