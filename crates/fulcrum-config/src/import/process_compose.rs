//! process-compose: `process-compose.yaml`.

use std::time::Duration;

use super::draft::Draft;
use super::fields::{self, Dialect};
use super::source::Source;
use super::text::{Dollars, convert};
use super::translation::Translation;
use super::values::{boolean, duration_text, text, texts};
use super::words::{self, CommandLine};
use super::{compose, probe, program};
use crate::diagnostic::Diagnostic;
use crate::file::normalize;
use crate::node::{Entry, NodeKind, Position};

const DIALECT: Dialect = Dialect {
    dollars: Dollars::Variables,
    unit: Duration::from_secs(1),
};

const WITHOUT_EFFECT: [&str; 6] = [
    "command",
    "entrypoint",
    "working_dir",
    "depends_on",
    "description",
    "is_foreground",
];

/// Translates the processes.
pub(super) fn translate(source: &Source, translation: &mut Translation) -> Result<(), Diagnostic> {
    let root = source.root()?;
    let hint = "a process-compose file begins with `processes:`";
    let entries = source.programs("processes", hint)?;
    let shell = root.get("shell").and_then(|shell| {
        let command = shell.value.get("shell_command")?;
        text(&command.value)
    });
    for entry in entries {
        if let Some(mut draft) = process(source, translation, entry, shell.unwrap_or("bash"))? {
            if let Some(environment) = root.get("environment") {
                fields::apply(translation, &mut draft, environment, &DIALECT);
            }
            translation.drafts.push(draft);
        }
    }
    for entry in entries {
        dependencies(translation, entry);
    }
    let NodeKind::Mapping(top) = &root.value else {
        return Ok(());
    };
    const KNOWN: [&str; 9] = [
        "version",
        "processes",
        "environment",
        "shell",
        "name",
        "log_level",
        "log_length",
        "is_strict",
        "is_tui_disabled",
    ];
    for entry in top
        .iter()
        .filter(|entry| !KNOWN.contains(&entry.key.as_str()))
    {
        let message = format!("`{}` is not carried over: it has no counterpart", entry.key);
        translation.note(entry.position, message, "");
    }
    Ok(())
}

fn process(
    source: &Source,
    translation: &mut Translation,
    entry: &Entry,
    shell: &str,
) -> Result<Option<Draft>, Diagnostic> {
    let fields = source.map(entry)?;
    let field = |key: &str| entry.value.get(key);
    let line = match (field("entrypoint"), field("command")) {
        (Some(words), _) => texts(&words.value).map(CommandLine::Words),
        (None, Some(command)) => {
            text(&command.value).map(|text| CommandLine::Shell(text.to_owned()))
        }
        (None, None) => None,
    };
    let Some(line) = line else {
        let message = format!("{}: has no `command`", entry.key);
        translation.note(
            entry.position,
            message,
            "write one, or leave the process out",
        );
        return Ok(None);
    };
    let mut draft = translation.draft(&entry.key, entry.position);
    if let Some(dir) = field("working_dir").and_then(|dir| text(&dir.value)) {
        draft.cwd = normalize(&translation.dir.join(dir));
    }
    let line = match line {
        CommandLine::Shell(text) => {
            let (env, line) = words::parse(&text);
            for (name, value) in env {
                draft.set_env(&name, convert(&value, DIALECT.dollars));
            }
            line
        }
        words => words,
    };
    program::set(translation, &mut draft, line, shell, DIALECT.dollars);
    for field in fields {
        process_field(translation, &mut draft, field);
    }
    Ok(Some(draft))
}

fn process_field(translation: &mut Translation, draft: &mut Draft, entry: &Entry) {
    match entry.key.as_str() {
        key if WITHOUT_EFFECT.contains(&key) => {}
        "availability" => availability(translation, draft, entry),
        "readiness_probe" | "liveness_probe" => {
            match probe::convert_probe(&entry.value, DIALECT.unit, DIALECT.dollars) {
                Ok(Some(probe)) if entry.key == "liveness_probe" => draft.set("alive", probe),
                Ok(Some(probe)) => {
                    draft.set("ready", probe);
                    if let Some(timeout) = probe::start_timeout(&entry.value, DIALECT.unit) {
                        draft.set("start_timeout", duration_text(timeout));
                    }
                }
                Ok(None) => {}
                Err(why) => translation.skip(draft, &entry.key, entry.position, why, ""),
            }
        }
        "ready_log_line" => {
            if let Some(line) = text(&entry.value) {
                let line = convert(line, DIALECT.dollars);
                draft.set("ready", serde_json::json!({ "log": line }));
            }
        }
        "is_tty" => {
            if boolean(&entry.value) == Some(true) {
                draft.set("tty", true);
            }
        }
        "disabled" => {
            if boolean(&entry.value) == Some(true) {
                draft.set("autostart", false);
            }
        }
        "is_daemon" if boolean(&entry.value) == Some(false) => {}
        "shutdown" => shutdown(translation, draft, entry),
        _ => fields::apply(translation, draft, entry, &DIALECT),
    }
}

fn availability(translation: &mut Translation, draft: &mut Draft, entry: &Entry) {
    let NodeKind::Mapping(entries) = &entry.value.value else {
        return;
    };
    for entry in entries {
        match entry.key.as_str() {
            "restart" | "max_restarts" => fields::apply(translation, draft, entry, &DIALECT),
            "backoff_seconds" => {
                let entry = Entry {
                    key: "restart_delay".into(),
                    ..entry.clone()
                };
                fields::apply(translation, draft, &entry, &DIALECT);
            }
            key => {
                let why = "a domain's end does not end the app";
                translation.skip(
                    draft,
                    &format!("availability.{key}"),
                    entry.position,
                    why,
                    "",
                );
            }
        }
    }
}

fn shutdown(translation: &mut Translation, draft: &mut Draft, entry: &Entry) {
    let NodeKind::Mapping(entries) = &entry.value.value else {
        return;
    };
    for entry in entries {
        let key = match entry.key.as_str() {
            "timeout_seconds" => "stop_timeout",
            "signal" => match text(&entry.value).and_then(signal_name) {
                Some(signal) => {
                    draft.set("stop.signal", signal);
                    continue;
                }
                None => "stop_signal",
            },
            "parent_only" => continue,
            key => {
                let why = "a domain is stopped by a signal";
                let hint =
                    "let the program do this at its stop signal, or write a `hooks.after_exit`";
                translation.skip(draft, &format!("shutdown.{key}"), entry.position, why, hint);
                continue;
            }
        };
        let entry = Entry {
            key: key.into(),
            ..entry.clone()
        };
        fields::apply(translation, draft, &entry, &DIALECT);
    }
}

/// process-compose has the numbers of signals.
fn signal_name(number: &str) -> Option<&'static str> {
    Some(match number {
        "1" => "SIGHUP",
        "2" => "SIGINT",
        "3" => "SIGQUIT",
        "9" => "SIGKILL",
        "10" => "SIGUSR1",
        "12" => "SIGUSR2",
        "15" => "SIGTERM",
        _ => return None,
    })
}

fn dependencies(translation: &mut Translation, entry: &Entry) {
    let Some(depends_on) = entry.value.get("depends_on") else {
        return;
    };
    let NodeKind::Mapping(entries) = &depends_on.value.value else {
        return;
    };
    let mut names: Vec<(String, &str, Position)> = Vec::new();
    for dependency in entries {
        let condition = dependency.value.get("condition");
        let condition = match condition.and_then(|condition| text(&condition.value)) {
            Some("process_healthy" | "process_log_ready") => "ready",
            Some("process_completed" | "process_completed_successfully") => {
                let is_it = |draft: &&mut Draft| draft.source_name == dependency.key;
                if let Some(draft) = translation.drafts.iter_mut().find(is_it) {
                    draft.set("kind", "job");
                }
                "completed"
            }
            _ => "started",
        };
        names.push((dependency.key.clone(), condition, dependency.position));
    }
    compose::set_dependencies(translation, &entry.key, &names);
}
