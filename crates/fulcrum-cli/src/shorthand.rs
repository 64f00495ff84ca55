//! Words of other command lines: `fulcrum ps`, `fulcrum up -d`, `--json`.
//!
//! They are replaced before the arguments are parsed, so each command has one definition, and an error
//! names the command as it is documented.

use std::ffi::{OsStr, OsString};

/// A word in place of a command, and the command.
pub(crate) const COMMANDS: [(&str, &[&str]); 14] = [
    ("ps", &["domains", "list"]),
    ("ls", &["domains", "list"]),
    ("list", &["domains", "list"]),
    ("status", &["domains", "status"]),
    ("start", &["domains", "start"]),
    ("stop", &["domains", "stop"]),
    ("restart", &["domains", "restart"]),
    ("kill", &["domains", "kill"]),
    ("signal", &["domains", "signal"]),
    ("wait", &["domains", "wait"]),
    ("call", &["domains", "call"]),
    ("events", &["domains", "events"]),
    ("why", &["domains", "why"]),
    ("up", &["dev"]),
];

/// The part of `fulcrum --help` about them.
pub(crate) const HELP: &str = "\
Short forms: ps, ls, list (domains list), up (dev), and without `domains`: status, start, stop,
restart, kill, signal, wait, call, events, why. `help COMMAND` and `version` work too.";

/// Replaces the word in place of the command.
pub(crate) fn expand(arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(index) = command_index(&arguments) else {
        return arguments;
    };
    let (before, rest) = arguments.split_at(index);
    let (word, after) = (rest[0].to_str().unwrap_or_default(), &rest[1..]);
    let before = before.iter().cloned();
    let owned = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    match word {
        "help" => {
            let command = expand(before.chain(after.iter().cloned()).collect());
            command.into_iter().chain(owned(&["--help"])).collect()
        }
        "version" if after.is_empty() => before.chain(owned(&["--version"])).collect(),
        word => match COMMANDS.iter().find(|(short, _)| *short == word) {
            Some((_, command)) => before
                .chain(owned(command))
                .chain(after.iter().cloned())
                .collect(),
            None => arguments,
        },
    }
}

/// The index of the first argument that is no global option.
fn command_index(arguments: &[OsString]) -> Option<usize> {
    let mut index = 1;
    loop {
        let argument = arguments.get(index)?;
        match argument.to_str() {
            Some("--app") => index += 2,
            Some("--no-color" | "-q" | "--quiet") => index += 1,
            Some(text) if text.starts_with("--app=") => index += 1,
            Some(text) if text.starts_with('-') => return None,
            _ => return Some(index),
        }
    }
}

/// Replaces flags of other command lines, for arguments that are invalid as they are; none if there is
/// nothing to replace.
pub(crate) fn replace_flags(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let end = arguments.iter().position(|argument| argument == "--");
    let (flags, literal) = arguments.split_at(end.unwrap_or(arguments.len()));
    let mut replaced: Vec<OsString> = flags.iter().map(|flag| replace_flag(flag)).collect();
    replaced.extend_from_slice(literal);
    (replaced != arguments).then_some(replaced)
}

fn replace_flag(flag: &OsStr) -> OsString {
    match flag.to_str() {
        Some("--json") => "--output=json".into(),
        Some("--format") => "--output".into(),
        Some("--no-watch") => "--watch=false".into(),
        Some("-d" | "--detached" | "--background" | "--daemon") => "--detach".into(),
        Some(text) => match text.strip_prefix("--format=") {
            Some(format) => format!("--output={format}").into(),
            None => flag.to_owned(),
        },
        None => flag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_word_in_place_of_the_command_is_replaced() {
        for (line, expected) in [
            ("fulcrum ps", "fulcrum domains list"),
            (
                "fulcrum --app ls ls -o json",
                "fulcrum --app ls domains list -o json",
            ),
            (
                "fulcrum -q restart users",
                "fulcrum -q domains restart users",
            ),
            ("fulcrum up -d", "fulcrum dev -d"),
            ("fulcrum help", "fulcrum --help"),
            ("fulcrum help restart", "fulcrum domains restart --help"),
            ("fulcrum help config show", "fulcrum config show --help"),
            ("fulcrum version", "fulcrum --version"),
            ("fulcrum logs status", "fulcrum logs status"),
            ("fulcrum dev ps", "fulcrum dev ps"),
            ("fulcrum", "fulcrum"),
            ("fulcrum --version", "fulcrum --version"),
        ] {
            assert_eq!(expand(words(line)), words(expected), "{line}");
        }
    }

    #[test]
    fn flags_of_other_tools_are_replaced_before_a_double_dash() {
        for (line, expected) in [
            ("fulcrum ps --json", Some("fulcrum ps --output=json")),
            ("fulcrum ps --format json", Some("fulcrum ps --output json")),
            ("fulcrum ps --format=json", Some("fulcrum ps --output=json")),
            (
                "fulcrum dev --no-watch -d",
                Some("fulcrum dev --watch=false --detach"),
            ),
            ("fulcrum call a b -- --json", None),
            ("fulcrum ps", None),
        ] {
            assert_eq!(replace_flags(&words(line)), expected.map(words), "{line}");
        }
    }
}
