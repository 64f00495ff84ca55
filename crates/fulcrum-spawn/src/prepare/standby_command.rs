//! The command of a standby process: Node is booted for a domain's next generation and waits.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::context::PrepareContext;
use super::files::file_url;
use super::node_plan::BOOTSTRAP_VAR;
use super::sdk::PACKAGE;
use super::sdk_preload::resolves_to_embedded_sdk;
use super::typescript::sources::is_module;
use super::typescript::strip::Format;
use super::typescript::table::format_in_manifest;
use crate::CommandSpec;

/// Options of Node that do not affect when the domain's code is loaded. With any other option, such
/// as `--inspect` or a preload of the user, a domain is always started cold.
const STANDBY_SAFE_OPTIONS: &[&str] = &[
    "--conditions",
    "--disable-warning",
    "--dns-result-order",
    "--enable-source-maps",
    "--expose-gc",
    "--icu-data-dir",
    "--insecure-http-parser",
    "--max-http-header-size",
    "--max-old-space-size",
    "--max-semi-space-size",
    "--min-semi-space-size",
    "--no-deprecation",
    "--no-experimental-strip-types",
    "--no-strip-types",
    "--no-warnings",
    "--pending-deprecation",
    "--preserve-symlinks",
    "--preserve-symlinks-main",
    "--stack-size",
    "--stack-trace-limit",
    "--throw-deprecation",
    "--trace-deprecation",
    "--trace-uncaught",
    "--trace-warnings",
    "--unhandled-rejections",
    "--use-bundled-ca",
    "--use-openssl-ca",
    "--use-system-ca",
    "-C",
];

/// The command of a standby process, and the cold start that it can replace.
#[derive(Debug, Clone)]
pub struct StandbyCommand {
    /// The command that starts the standby process.
    pub command: CommandSpec,
    /// The command of a cold start at the time of planning.
    cold_start: CommandSpec,
}

/// The line that a standby process reads from standard input.
#[derive(Serialize)]
struct Activation<'a> {
    env: BTreeMap<&'a str, &'a str>,
    cwd: &'a str,
}

impl StandbyCommand {
    /// The standby command for a command of [`plan_node`](crate::prepare::plan_node); `None` if an
    /// activated standby process would differ from a cold start.
    #[must_use]
    pub fn new(
        cold_start: &CommandSpec,
        app_root: &Path,
        context: &PrepareContext,
    ) -> Option<Self> {
        // Its output is read before it is a generation's.
        if cold_start.terminal.is_some() {
            return None;
        }
        let mut config = bootstrap_config(cold_start)?;
        let entry = PathBuf::from(config.get("entry")?.as_str()?);
        let bootstrap = context.sdk.bootstrap(&context.cache).ok()?;
        let args = with_preload(cold_start, &bootstrap)?;
        let node_args = node_args(&args, &entry)?;
        let options = cold_start.env.get(OsStr::new("NODE_OPTIONS"));
        let options = options.map(|text| text.to_string_lossy().into_owned());
        let options = options.iter().flat_map(|text| text.split_whitespace());
        if !are_standby_safe(node_args.iter().copied().chain(options)) {
            return None;
        }
        // The SDK would load the bootstrap, which is preloaded.
        config.remove("later");
        config.insert(
            "spare".to_owned(),
            preload_list(&config, &entry, app_root, context),
        );
        let mut command = cold_start.clone();
        command.args = args;
        let config = Value::Object(config).to_string();
        command.env.insert(BOOTSTRAP_VAR.into(), config.into());
        Some(Self {
            command,
            cold_start: cold_start.clone(),
        })
    }

    /// The line for standard input that makes the standby process run `target`; `None` if it cannot.
    /// Variables in `kept` may differ and keep the value of the standby process; those in `passed`
    /// get the value of `target`.
    #[must_use]
    pub fn activation(
        &self,
        target: &CommandSpec,
        kept: &[&str],
        passed: &[&str],
    ) -> Option<Vec<u8>> {
        let passed = [passed, &[BOOTSTRAP_VAR]].concat();
        let may_differ = |name: &OsStr| kept.iter().chain(&passed).any(|other| name == *other);
        let fixed = |spec: &CommandSpec| -> Vec<(OsString, OsString)> {
            let fixed = spec.env.iter().filter(|(name, _)| !may_differ(name));
            fixed.map(|(n, v)| (n.clone(), v.clone())).collect()
        };
        let (planned, config) = (
            bootstrap_config(&self.cold_start)?,
            bootstrap_config(target)?,
        );
        let is_same = |key: &str| planned.get(key) == config.get(key);
        let preload = preload(&self.command)?;
        let is_compatible = self.cold_start.program == target.program
            && self.cold_start.cwd == target.cwd
            && self.cold_start.runner == target.runner
            && self.cold_start.terminal == target.terminal
            && with_preload(target, preload)? == self.command.args
            && ["v", "parent", "entry", "ts", "sdk", "modules"]
                .into_iter()
                .all(is_same)
            && fixed(&self.cold_start) == fixed(target);
        if !is_compatible {
            return None;
        }
        let env = passed
            .iter()
            .filter_map(|name| Some((*name, target.env.get(OsStr::new(name))?.to_str()?)))
            .collect();
        let cwd = target.cwd.to_str()?;
        let mut line = serde_json::to_vec(&Activation { env, cwd }).ok()?;
        line.push(b'\n');
        Some(line)
    }
}

/// The configuration of the bootstrap; `None` if the command is not one for Node.
fn bootstrap_config(spec: &CommandSpec) -> Option<Map<String, Value>> {
    let config = spec.env.get(OsStr::new(BOOTSTRAP_VAR))?;
    serde_json::from_str(config.to_str()?).ok()
}

/// The bootstrap that a command preloads.
fn preload(spec: &CommandSpec) -> Option<&Path> {
    let at = spec.args.iter().position(|arg| arg == "--require")?;
    spec.args.get(at + 1).map(Path::new)
}

/// The arguments with the bootstrap preloaded; `None` if Node loads it in another way.
fn with_preload(spec: &CommandSpec, bootstrap: &Path) -> Option<Vec<OsString>> {
    let pair = [OsString::from("--require"), bootstrap.into()];
    if spec.args.windows(2).any(|words| words == pair) {
        return Some(spec.args.clone());
    }
    // Without a preload, either the SDK loads the bootstrap later, or it is imported after other
    // modules.
    bootstrap_config(spec)?.get("later")?;
    let internal_flags = spec
        .args
        .iter()
        .take_while(|arg| *arg == "--expose-internals");
    let at = internal_flags.count();
    let mut args = spec.args.clone();
    args.splice(at..at, pair);
    Some(args)
}

/// The user's arguments for Node: those between the preload and the entry.
fn node_args<'a>(args: &'a [OsString], entry: &Path) -> Option<Vec<&'a str>> {
    let end = args.iter().position(|arg| Path::new(arg) == entry)?;
    let start = args.iter().position(|arg| arg == "--require")? + 2;
    args.get(start..end)?
        .iter()
        .map(|arg| arg.to_str())
        .collect()
}

/// Whether all options are standby-safe; each may be followed by a value.
fn are_standby_safe<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut may_be_value = false;
    for word in words {
        if !word.starts_with('-') {
            if !may_be_value {
                return false;
            }
            may_be_value = false;
            continue;
        }
        let (name, has_value) = match word.split_once('=') {
            Some((name, _)) => (name, true),
            None => (word, false),
        };
        // V8 accepts `_` and `-` in its options.
        let name = name.replace('_', "-");
        if !STANDBY_SAFE_OPTIONS.contains(&name.as_str()) {
            return false;
        }
        may_be_value = !has_value;
    }
    true
}

/// The SDK as the domain will load it, so that it is the same module then. It is the only code that
/// is loaded before the activation; a package of the user may change until then.
fn preload_list(
    config: &Map<String, Value>,
    entry: &Path,
    app_root: &Path,
    context: &PrepareContext,
) -> Value {
    let fallback = config.get("sdk").and_then(Value::as_str).map(PathBuf::from);
    let installed = || {
        let (entry, root) = (entry.canonicalize().ok()?, app_root.canonicalize().ok()?);
        resolves_to_embedded_sdk(&context.sdk, &entry, &root)
            .then(|| root.join("node_modules").join(PACKAGE))
    };
    let Some(dir) = fallback.or_else(installed) else {
        return json!({});
    };
    if runs_as_module(config, entry, &context.cache) {
        json!({ "imported": file_url(&dir.join("dist/index.mjs")) })
    } else {
        json!({ "required": dir.join("dist/index.cjs").to_string_lossy() })
    }
}

/// Whether the entry becomes an ECMAScript module.
fn runs_as_module(config: &Map<String, Value>, entry: &Path, cache: &Path) -> bool {
    let manifest = config.get("ts").and_then(|ts| ts.get("manifest"));
    let compiled = || {
        let entry = entry.canonicalize().ok()?;
        format_in_manifest(Path::new(manifest?.as_str()?), &entry)
    };
    compiled().map_or_else(
        || is_module(entry, cache),
        |format| format == Format::Module,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cold_start(args: &[&str], config: &Value, env: &[(&str, &str)]) -> CommandSpec {
        let mut all: BTreeMap<OsString, OsString> = env
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        all.insert(BOOTSTRAP_VAR.into(), config.to_string().into());
        CommandSpec {
            terminal: None,
            program: "/usr/bin/node".into(),
            args: args.iter().map(OsString::from).collect(),
            cwd: "/app/domains/users".into(),
            env: all,
            runner: "node 20.20.2".to_owned(),
        }
    }

    fn config() -> Value {
        json!({"v": 2, "parent": 7, "entry": "/app/d.js", "starts": false, "ts": null, "sdk": null})
    }

    fn bootstrap(context: &PrepareContext) -> String {
        let path = context.sdk.bootstrap(&context.cache).unwrap();
        path.to_string_lossy().into_owned()
    }

    fn standby(spec: &CommandSpec, context: &PrepareContext) -> Option<StandbyCommand> {
        StandbyCommand::new(spec, Path::new("/app"), context)
    }

    #[test]
    fn only_what_differs_between_generations_may_differ() {
        let cache = tempfile::tempdir().unwrap();
        let context = PrepareContext::new(cache.path(), Vec::new());
        let boot = bootstrap(&context);
        let args = ["--require", &boot, "/app/d.js", "x"];
        let planned = cold_start(
            &args,
            &config(),
            &[("TOKEN", "a"), ("PORT", "1"), ("B", "same")],
        );
        let standby_command = standby(&planned, &context).unwrap();
        assert_eq!(standby_command.command.args, planned.args);
        let mut next_config = config();
        next_config["starts"] = json!(true);
        let next = cold_start(
            &args,
            &next_config,
            &[("TOKEN", "b"), ("PORT", "2"), ("B", "same")],
        );
        let line = standby_command
            .activation(&next, &["TOKEN"], &["PORT"])
            .unwrap();
        let line: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["env"]["PORT"], "2");
        assert_eq!(
            line["env"].get("TOKEN"),
            None,
            "a process has its own token from its start"
        );
        let text = line["env"][BOOTSTRAP_VAR].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), next_config);
        assert_eq!(standby_command.activation(&next, &["TOKEN"], &[]), None);

        let differs = |change: &dyn Fn(&mut CommandSpec)| {
            let mut other = next.clone();
            change(&mut other);
            standby_command
                .activation(&other, &["TOKEN"], &["PORT"])
                .is_none()
        };
        assert!(differs(&|spec| {
            spec.env.insert("B".into(), "other".into());
        }));
        assert!(differs(&|spec| {
            spec.env.insert("C".into(), "new".into());
        }));
        assert!(differs(&|spec| {
            spec.env.remove(OsStr::new("B"));
        }));
        assert!(differs(&|spec| spec.args.push("y".into())));
        assert!(differs(&|spec| spec.cwd = "/app".into()));
        assert!(differs(&|spec| spec.program = "/opt/node".into()));
        assert!(differs(&|spec| spec.runner = "node 22.1.0".to_owned()));
        let mut typescript_config = config();
        typescript_config["ts"] =
            json!({"manifest": "/m", "helper": [], "commonjs": true, "maps": false});
        let typescript = cold_start(
            &args,
            &typescript_config,
            &[("TOKEN", "b"), ("PORT", "2"), ("B", "same")],
        );
        assert_eq!(
            standby_command.activation(&typescript, &["TOKEN"], &["PORT"]),
            None,
            "its hooks differ"
        );
    }

    #[test]
    fn a_standby_process_always_preloads_the_bootstrap() {
        let cache = tempfile::tempdir().unwrap();
        let context = PrepareContext::new(cache.path(), Vec::new());
        let boot = bootstrap(&context);
        let mut next_config = config();
        next_config["later"] = json!("file:///b.cjs");
        let planned = cold_start(&["/app/d.js"], &next_config, &[]);
        let standby_command = standby(&planned, &context).unwrap();
        assert_eq!(
            standby_command.command.args,
            ["--require", &boot, "/app/d.js"].map(OsString::from)
        );
        let standby_config = bootstrap_config(&standby_command.command).unwrap();
        assert_eq!(standby_config.get("later"), None);
        // A later cold start with a preload is the same process.
        let next = cold_start(&["--require", &boot, "/app/d.js"], &config(), &[]);
        assert!(standby_command.activation(&next, &[], &[]).is_some());
        assert!(standby_command.activation(&planned, &[], &[]).is_some());
    }

    #[test]
    fn only_standby_safe_options_allow_a_standby_process() {
        let cache = tempfile::tempdir().unwrap();
        let context = PrepareContext::new(cache.path(), Vec::new());
        let boot = bootstrap(&context);
        let possible = |flags: &[&str], options: &str| {
            let args = [&["--require", boot.as_str()], flags, &["/app/d.js"]].concat();
            let options = (!options.is_empty()).then_some(("NODE_OPTIONS", options));
            standby(&cold_start(&args, &config(), options.as_slice()), &context).is_some()
        };
        assert!(possible(&[], ""));
        assert!(possible(
            &["--max_old_space_size=512", "--enable-source-maps"],
            "--no-warnings"
        ));
        assert!(possible(
            &["-C", "development", "--stack-trace-limit=50"],
            ""
        ));
        for flag in [
            "--inspect",
            "--inspect-brk=0",
            "--cpu-prof",
            "--require=./x.cjs",
            "--env-file=.env",
        ] {
            assert!(!possible(&[flag], ""), "{flag}");
            assert!(!possible(&[], flag), "NODE_OPTIONS={flag}");
        }
        assert!(
            !possible(&["stray"], ""),
            "it would be the entry, or the value of an unknown option"
        );
        let imported = cold_start(&["--import", "file:///b.cjs", "/app/d.js"], &config(), &[]);
        assert!(standby(&imported, &context).is_none());
        let mut plain = cold_start(&["/app/d.js"], &config(), &[]);
        plain.env.clear();
        assert!(
            standby(&plain, &context).is_none(),
            "a program that is not Node"
        );
    }
}
