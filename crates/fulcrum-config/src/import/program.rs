//! The program of a domain: an entry point for Node where a command line runs one of the app's files,
//! otherwise the command.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::draft::Draft;
use super::text::{Dollars, convert, for_shell};
use super::translation::Translation;
use super::words::{CommandLine, in_shell};
use crate::entry_point::EXTENSIONS;

/// A file that Node runs.
struct Script {
    node_args: Vec<String>,
    file: PathBuf,
    args: Vec<String>,
}

/// Sets the program of a domain, whose `cwd` is known.
pub(super) fn set(
    translation: &Translation,
    draft: &mut Draft,
    line: CommandLine,
    shell: &str,
    dollars: Dollars,
) {
    match line {
        CommandLine::Words(words) => set_words(translation, draft, &words, dollars),
        CommandLine::Shell(text) => {
            let mut command = in_shell(shell, &text);
            if let Some(text) = command.last_mut() {
                *text = for_shell(text, dollars);
            }
            draft.set("command", command);
        }
    }
}

/// Sets the program of a domain by its words.
pub(super) fn set_words(
    translation: &Translation,
    draft: &mut Draft,
    words: &[String],
    dollars: Dollars,
) {
    let converted = |words: &[String]| -> Vec<String> {
        words.iter().map(|word| convert(word, dollars)).collect()
    };
    let Some(script) = script(words, &draft.cwd, &translation.root) else {
        draft.set("command", converted(words));
        return;
    };
    let entry = translation.path_for(draft, &script.file);
    draft.set("entry", convert(&entry, Dollars::Literal));
    for (key, values) in [("node_args", &script.node_args), ("args", &script.args)] {
        if !values.is_empty() {
            draft.set(key, converted(values));
        }
    }
    // Programs of other tools need not register.
    if draft.get("ready").is_none() {
        draft.set("ready", json!("started"));
    }
}

/// The script of a command line of Node, or of a program that runs TypeScript or restarts a script at
/// a change, which Fulcrum does itself.
fn script(words: &[String], cwd: &Path, root: &Path) -> Option<Script> {
    let (program, rest) = words.split_first()?;
    let (node_args, rest) = match program.as_str() {
        "node" | "nodejs" => node_options(rest)?,
        "tsx" if rest.first().is_some_and(|word| word == "watch") => (Vec::new(), &rest[1..]),
        "tsx" | "nodemon" | "ts-node" | "ts-node-dev" => (Vec::new(), rest),
        _ => return None,
    };
    let (file, args) = rest.split_first()?;
    if file.starts_with('-') {
        return None;
    }
    Some(Script {
        node_args,
        file: script_file(&cwd.join(file), root)?,
        args: args.to_vec(),
    })
}

/// The options of Node before the script. Those that watch files are left out.
fn node_options(words: &[String]) -> Option<(Vec<String>, &[String])> {
    const WITH_VALUE: [&str; 6] = [
        "-r",
        "--require",
        "--import",
        "--loader",
        "-C",
        "--conditions",
    ];
    let mut options = Vec::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        if matches!(
            word.as_str(),
            "-e" | "--eval" | "-p" | "--print" | "-" | "--test"
        ) {
            return None;
        }
        rest = after;
        if word.starts_with("--watch") {
            continue;
        }
        options.push(word.clone());
        if WITH_VALUE.contains(&word.as_str()) {
            let (value, after) = rest.split_first()?;
            options.push(value.clone());
            rest = after;
        }
    }
    Some((options, rest))
}

/// The file of the app that Node runs for a path, which may lack `.js`; none if Fulcrum would refuse it
/// as an entry point.
pub(super) fn script_file(path: &Path, root: &Path) -> Option<PathBuf> {
    let mut with_js = path.as_os_str().to_owned();
    with_js.push(".js");
    [path.to_owned(), PathBuf::from(with_js)]
        .into_iter()
        .find(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
                && path.is_file()
                && path.canonicalize().is_ok_and(|real| real.starts_with(root))
        })
}
