//! pm2: `ecosystem.config.js`, or its JSON or YAML.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::draft::Draft;
use super::fields::{self, Dialect};
use super::program;
use super::source::Source;
use super::text::Dollars;
use super::translation::Translation;
use super::values::{boolean, text, texts};
use super::words::{self, CommandLine};
use crate::diagnostic::Diagnostic;
use crate::node::{Entry, Node, NodeKind};

const DIALECT: Dialect = Dialect {
    dollars: Dollars::Literal,
    unit: Duration::from_millis(1),
};

/// Fields whose absence changes nothing that an app notices.
const WITHOUT_EFFECT: [&str; 14] = [
    "name",
    "script",
    "cwd",
    "interpreter",
    "exec_interpreter",
    "vizion",
    "pmx",
    "automation",
    "treekill",
    "time",
    "merge_logs",
    "combine_logs",
    "source_map_support",
    "force",
];

/// Translates the apps.
pub(super) fn translate(source: &Source, translation: &mut Translation) -> Result<(), Diagnostic> {
    let root = source.root()?;
    for app in apps(source, root)? {
        translate_app(source, app, translation)?;
    }
    if let Some(deploy) = root.get("deploy") {
        translation.note(
            deploy.position,
            "`deploy` is not carried over: Fulcrum runs programs, it does not copy them",
            "keep your way to deploy, and run `fulcrum serve` there",
        );
    }
    Ok(())
}

fn apps<'a>(source: &Source, root: &'a Node) -> Result<&'a [Node], Diagnostic> {
    match (&root.value, root.get("apps")) {
        (NodeKind::Sequence(items), _) => Ok(items),
        (_, Some(apps)) => match &apps.value.value {
            NodeKind::Sequence(items) => Ok(items),
            NodeKind::Mapping(_) => Ok(std::slice::from_ref(&apps.value)),
            _ => Err(source.error(
                apps.position,
                format!("`apps`: expected a list, found {}", apps.value.kind()),
            )),
        },
        (_, None) if root.get("script").is_some() => Ok(std::slice::from_ref(root)),
        (_, None) => Err(source
            .error(root.position, "has no `apps`")
            .hint("pm2 expects `module.exports = { apps: […] }`")),
    }
}

fn translate_app(
    source: &Source,
    app: &Node,
    translation: &mut Translation,
) -> Result<(), Diagnostic> {
    let NodeKind::Mapping(entries) = &app.value else {
        return Err(source.error(
            app.position,
            format!("`apps`: expected a map for each app, found {}", app.kind()),
        ));
    };
    let field = |key: &str| app.get(key).and_then(|entry| text(&entry.value));
    let Some(script) = field("script").or_else(|| field("exec")) else {
        let name = field("name").unwrap_or("an app");
        return Err(source
            .error(app.position, format!("`apps`: {name} has no `script`"))
            .hint("`script` is the file that pm2 runs"));
    };
    let stem = Path::new(script).file_stem();
    let default_name = stem.unwrap_or_default().to_string_lossy();
    let mut draft = translation.draft(field("name").unwrap_or(&default_name), app.position);
    if let Some(cwd) = field("cwd") {
        draft.cwd = crate::file::normalize(&translation.dir.join(cwd));
    }
    draft.set("restart.policy", "always");
    set_program(translation, &mut draft, app, script);
    for entry in entries {
        translate_field(translation, &mut draft, entry, app);
    }
    translation.drafts.push(draft);
    Ok(())
}

fn translate_field(translation: &mut Translation, draft: &mut Draft, entry: &Entry, app: &Node) {
    match entry.key.as_str() {
        key if WITHOUT_EFFECT.contains(&key) => {}
        "args" | "node_args" | "interpreter_args" | "exec" => {}
        "autorestart" => {
            if boolean(&entry.value) == Some(false) {
                draft.set("restart.policy", "never");
            }
        }
        "exec_mode" if text(&entry.value).is_some_and(|mode| mode.starts_with("fork")) => {}
        "instances" => match text(&entry.value) {
            Some("1") | None => {}
            Some(number) => {
                let field = format!("instances: {number}");
                let why = "a domain is one process in this version";
                let hint = "run a program that uses `node:cluster`, or write a domain for each";
                translation.skip(draft, &field, entry.position, why, hint);
            }
        },
        "watch" => watch(translation, draft, entry),
        "ignore_watch" | "watch_ignore" => {
            let globs = texts(&entry.value).unwrap_or_default();
            draft.set("watch.ignore", globs);
        }
        "cron_restart" if wants_job(app) => {
            draft.set("kind", "job");
            if let Some(cron) = text(&entry.value) {
                draft.set("schedule", cron);
            }
        }
        "wait_ready" => {
            if boolean(&entry.value) == Some(true) {
                let why = "`process.send('ready')` is not read";
                let hint =
                    "set `process.ready`, for example `{http: /health}` or `{log: listening}`";
                translation.skip(draft, "wait_ready", entry.position, why, hint);
            }
        }
        "stop_exit_codes" => {
            if let Some(codes) = texts(&entry.value) {
                let codes = codes.iter().filter_map(|code| code.parse::<u8>().ok());
                draft.set("restart.policy", "on-failure");
                draft.set("restart.success_exit_codes", codes.collect::<Vec<_>>());
            }
        }
        key if key.starts_with("env_") && key != "env_file" => {
            let mode = key.trim_start_matches("env_");
            let why = "a domain has one environment";
            let hint = format!(
                "write these variables to a file such as `{mode}.env`, and name it in `env_file`"
            );
            translation.skip(draft, key, entry.position, why, &hint);
        }
        _ => fields::apply(translation, draft, entry, &DIALECT),
    }
}

/// A program that is started by the clock and does not run in between is a job.
fn wants_job(app: &Node) -> bool {
    let autorestart = app.get("autorestart");
    autorestart.and_then(|entry| boolean(&entry.value)) == Some(false)
}

fn watch(translation: &Translation, draft: &mut Draft, entry: &Entry) {
    let paths = match boolean(&entry.value) {
        Some(false) => return,
        Some(true) => vec![".".to_owned()],
        None => texts(&entry.value).unwrap_or_default(),
    };
    for path in paths {
        let path = draft.cwd.join(path);
        let path = translation.path_for(draft, &path);
        draft.set_list_item("watch.paths", json!(path));
    }
}

/// The program: `script` with `args`, run by `interpreter` or by that of its extension.
fn set_program(translation: &mut Translation, draft: &mut Draft, app: &Node, script: &str) {
    let words_of = |key: &str| -> Vec<String> {
        let Some(entry) = app.get(key) else {
            return Vec::new();
        };
        match text(&entry.value) {
            Some(text) => words::split(text, false).unwrap_or_default(),
            None => texts(&entry.value).unwrap_or_default(),
        }
    };
    let args = words_of("args");
    let interpreter = ["interpreter", "exec_interpreter"].into_iter();
    let interpreter = interpreter
        .filter_map(|key| app.get(key))
        .find_map(|entry| text(&entry.value));
    let path = draft.cwd.join(script);
    // `script: "npm run start"` is a command line.
    if script.contains(char::is_whitespace) && !path.is_file() {
        let text = [&[script.to_owned()][..], &args].concat().join(" ");
        let (env, line) = words::parse(&text);
        for (name, value) in env {
            draft.set_env(&name, super::text::convert(&value, DIALECT.dollars));
        }
        return program::set(translation, draft, line, "sh", DIALECT.dollars);
    }
    let is_file = path.is_file() || program::script_file(&path, &translation.root).is_some();
    let script = match is_file && !script.contains('/') {
        true => format!("./{script}"),
        false => script.to_owned(),
    };
    let interpreter = match interpreter {
        Some("none") => None,
        Some(interpreter) => Some(interpreter),
        None => interpreter_of(&script, is_file),
    };
    let node_args = [words_of("node_args"), words_of("interpreter_args")].concat();
    let mut command: Vec<String> = interpreter.map(str::to_owned).into_iter().collect();
    command.extend(node_args);
    command.push(script);
    command.extend(args);
    program::set(
        translation,
        draft,
        CommandLine::Words(command),
        "sh",
        DIALECT.dollars,
    );
}

/// What pm2 runs a file with.
fn interpreter_of(script: &str, is_file: bool) -> Option<&'static str> {
    let extension = Path::new(script).extension();
    match extension.and_then(|extension| extension.to_str()) {
        Some("sh") => Some("bash"),
        Some("py") => Some("python3"),
        Some("rb") => Some("ruby"),
        Some("php") => Some("php"),
        Some("pl") => Some("perl"),
        Some("ts" | "mts" | "tsx") => Some("tsx"),
        Some("js" | "cjs" | "mjs") => Some("node"),
        // A program of PATH, or an executable; pm2 runs other files with Node.
        _ if is_file && !script.contains("/bin/") => Some("node"),
        _ => None,
    }
}
