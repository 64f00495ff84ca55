//! A Procfile: a name and a command line for a shell in each line.

use super::fields;
use super::program;
use super::source::Source;
use super::text::{Dollars, convert};
use super::translation::Translation;
use super::words;
use crate::diagnostic::{Diagnostic, quoted};
use crate::node::Position;

/// The port of the first process, and the distance of the others, as foreman has them.
const FIRST_PORT: usize = 5_000;
const PORT_STEP: usize = 100;

/// Translates the lines.
pub(super) fn translate(source: &Source, translation: &mut Translation) -> Result<(), Diagnostic> {
    for (index, line) in source.text.lines().enumerate() {
        let position = Position {
            line: u32::try_from(index + 1).unwrap_or(u32::MAX),
            column: 1,
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_name = |name: &str| {
            let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            !name.is_empty() && name.chars().all(valid)
        };
        let parsed = line.split_once(':');
        let parsed = parsed.map(|(name, command)| (name.trim(), command.trim()));
        let Some((name, command)) =
            parsed.filter(|(name, command)| is_name(name) && !command.is_empty())
        else {
            return Err(source
                .error(position, format!("{} is not `NAME: COMMAND`", quoted(line)))
                .hint("a name has letters, digits, `-` and `_`; a comment starts with `#`"));
        };
        add(translation, name, command, position);
    }
    Ok(())
}

fn add(translation: &mut Translation, name: &str, command: &str, position: Position) {
    let mut draft = translation.draft(name, position);
    let port = FIRST_PORT + PORT_STEP * translation.drafts.len();
    let (env, line) = words::parse(command);
    for (name, value) in env {
        draft.set_env(&name, convert(&value, Dollars::Literal));
    }
    program::set(translation, &mut draft, line, "sh", Dollars::Literal);
    if name == "release" {
        draft.set("kind", "job");
        draft.set("autostart", false);
        let message =
            "release: runs before a deployment elsewhere; here it is a job that starts on request";
        translation.note(
            position,
            message,
            "run it with `fulcrum domains run release`",
        );
    } else {
        draft.set("port", port);
    }
    let env_file = translation.dir.join(".env");
    if env_file.is_file() {
        fields::add_env_file(translation, &mut draft, &env_file, false);
    }
    translation.drafts.push(draft);
}
