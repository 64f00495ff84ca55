//! Evaluates a configuration file that is a program.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::query::capture_stdout;
use crate::StartError;

/// Prints the module's value, or its error, as the last line; what the module prints itself goes to
/// standard error.
const SCRIPT: &str = r#"
const { writeSync } = require("node:fs");
const { pathToFileURL } = require("node:url");
const file = process.argv[1];
process.stdout.write = process.stderr.write.bind(process.stderr);
const answer = (value) => { writeSync(1, "\n" + JSON.stringify(value) + "\n"); process.exit(0); };
const failed = (error) => answer({ error: String((error && error.stack) || error) });
process.on("uncaughtException", failed);
process.on("exit", () => writeSync(1, "\n" + JSON.stringify({ error: "it called process.exit()" }) + "\n"));
(async () => {
  let value = await import(pathToFileURL(file).href);
  value = value.default === undefined ? { ...value } : value.default;
  if (typeof value === "function") value = await value();
  process.removeAllListeners("exit");
  answer({ value: value === undefined ? null : value });
})().catch((error) => { process.removeAllListeners("exit"); failed(error); });
"#;

#[expect(
    clippy::disallowed_methods,
    reason = "the module is evaluated once, before there is an instance"
)]
/// The value that a JavaScript module exports, as JSON. The module runs in a process of its own, in
/// its directory, for at most this long. A function that it exports is called.
///
/// # Errors
/// It cannot be run, throws, or takes too long. The message begins with what failed, and contains the
/// place in the file if Node tells it.
pub fn evaluate_module(node: &Path, file: &Path, limit: Duration) -> Result<String, StartError> {
    let mut command = Command::new(node);
    command.arg("--eval").arg(SCRIPT).arg("--").arg(file);
    command.current_dir(file.parent().unwrap_or(Path::new("/")));
    let shown = file.display();
    let printed = capture_stdout(command, limit).map_err(|error| match error.kind() {
        std::io::ErrorKind::TimedOut => StartError::permanent(format!(
            "{shown}: not evaluated within {} s by {}",
            limit.as_secs(),
            node.display()
        ))
        .hint("the file must only export a value: remove what waits or never ends"),
        _ => StartError::permanent(format!("cannot run {}: {error}", node.display())),
    })?;
    let answer = printed.lines().rev().find(|line| !line.trim().is_empty());
    let answer = answer.and_then(|line| serde_json::from_str::<Value>(line).ok());
    match answer {
        Some(answer) if answer.get("value").is_some() => Ok(answer["value"].to_string()),
        Some(answer) => {
            let error = answer["error"].as_str().unwrap_or("unknown error");
            Err(StartError::permanent(format!(
                "{shown} cannot be evaluated by {}: {}",
                node.display(),
                described(error, file)
            ))
            .hint("run it with `node` to see the same error, and correct it"))
        }
        None => Err(
            StartError::permanent(format!("{shown}: {} printed no value", node.display()))
                .hint("the file must export an object of less than 1 MiB as JSON"),
        ),
    }
}

/// The error's first line, and the place in the file from its stack.
fn described(stack: &str, file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let message = stack
        .lines()
        .map(str::trim)
        .find(|line| line.contains("Error") && !line.starts_with("at "))
        .or_else(|| stack.lines().next())
        .unwrap_or_default();
    let place = stack.lines().find_map(|line| {
        let start = line.find(&*name)?;
        let place: String = line[start..]
            .chars()
            .take_while(|c| !c.is_whitespace() && *c != ')')
            .collect();
        place[name.len()..].starts_with(':').then_some(place)
    });
    match place {
        Some(place) => format!("{message} ({place})"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(name: &str, text: &str, limit: Duration) -> Result<String, StartError> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(name);
        std::fs::write(&file, text).expect("written");
        evaluate_module(Path::new("node"), &file, limit)
    }

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn modules_of_both_kinds_and_functions_are_evaluated() {
        for (name, text) in [
            (
                "a.config.cjs",
                "console.log('noise'); module.exports = {a: 1}",
            ),
            ("a.config.mjs", "export default {a: 1}"),
            (
                "a.config.js",
                "module.exports = () => ({a: 1}); setInterval(() => {}, 1000)",
            ),
        ] {
            assert_eq!(evaluate(name, text, LIMIT).expect(name), "{\"a\":1}");
        }
    }

    #[test]
    fn an_error_has_its_place_and_an_endless_file_a_limit() {
        let error =
            evaluate("a.cjs", "\nthrow new Error('no such host')", LIMIT).expect_err("throws");
        assert!(error.message.contains("no such host"), "{}", error.message);
        assert!(error.message.contains("a.cjs:2"), "{}", error.message);
        let error = evaluate("a.cjs", "module.exports = {", LIMIT).expect_err("syntax");
        assert!(error.message.contains("SyntaxError"), "{}", error.message);
        let error = evaluate("a.cjs", "process.exit(0)", LIMIT).expect_err("ends");
        assert!(error.message.contains("process.exit"), "{}", error.message);
        let error = evaluate("a.cjs", "for (;;);", Duration::from_secs(1)).expect_err("endless");
        assert!(error.message.contains("within 1 s"), "{}", error.message);
    }
}
