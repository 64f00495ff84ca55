//! A spare: a Node process of a domain's next life, booted before anybody knows when that begins.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::context::PrepareContext;
use super::node_plan::BOOTSTRAP;
use super::sdk::PACKAGE;
use super::sdk_preload::resolves_to_embedded_sdk;
use super::tsx::file_url;
use super::typescript::sources::is_module;
use crate::CommandSpec;

/// Options of Node that make no difference to when the domain's code is loaded. With any other one,
/// such as `--inspect` or a preload of the user's own, a domain is always started cold.
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

/// A spare that can be started, and what the process will be able to become.
#[derive(Debug, Clone)]
pub struct StandbyCommand {
    /// What starts it.
    pub command: CommandSpec,
    /// What a cold start would have executed when it was planned.
    cold_start: CommandSpec,
}

/// The one line that a spare reads.
#[derive(Serialize)]
struct Activation<'a> {
    env: BTreeMap<&'a str, &'a str>,
    cwd: &'a str,
}

impl StandbyCommand {
    /// The spare for what [`plan_node`](crate::prepare::plan_node) has planned; none where a process that
    /// waits couldn't be what a cold start makes.
    #[must_use]
    pub fn of(cold: &CommandSpec, app_root: &Path, toolbox: &PrepareContext) -> Option<Self> {
        let mut told = instructions(cold)?;
        let entry = PathBuf::from(told.get("entry")?.as_str()?);
        let bootstrap = toolbox.sdk.bootstrap(&toolbox.cache).ok()?;
        let args = with_preload(cold, &bootstrap)?;
        let flags = flags(&args, &entry)?;
        let options = cold.env.get(OsStr::new("NODE_OPTIONS"));
        let options = options.map(|text| text.to_string_lossy().into_owned());
        let options = options.iter().flat_map(|text| text.split_whitespace());
        if !are_harmless(flags.iter().copied().chain(options)) {
            return None;
        }
        // The package would load the bootstrap, which is there already.
        told.remove("later");
        told.insert(
            "spare".to_owned(),
            preload_list(&told, &entry, app_root, toolbox),
        );
        let mut command = cold.clone();
        command.args = args;
        let told = Value::Object(told).to_string();
        command.env.insert(BOOTSTRAP.into(), told.into());
        let cold = cold.clone();
        Some(Self {
            command,
            cold_start: cold,
        })
    }

    /// What the spare is told so that it becomes `wanted`; none where it can't. Variables named in
    /// `own` may differ and stay the spare's, those in `handed` are handed over.
    #[must_use]
    pub fn activation(
        &self,
        wanted: &CommandSpec,
        own: &[&str],
        handed: &[&str],
    ) -> Option<Vec<u8>> {
        let handed = [handed, &[BOOTSTRAP]].concat();
        let free = |name: &OsStr| own.iter().chain(&handed).any(|free| name == *free);
        let fixed = |spec: &CommandSpec| -> Vec<(OsString, OsString)> {
            let fixed = spec.env.iter().filter(|(name, _)| !free(name));
            fixed.map(|(n, v)| (n.clone(), v.clone())).collect()
        };
        let (was, now) = (instructions(&self.cold_start)?, instructions(wanted)?);
        let same = |key: &str| was.get(key) == now.get(key);
        let preload = preload(&self.command)?;
        let alike = self.cold_start.program == wanted.program
            && self.cold_start.cwd == wanted.cwd
            && self.cold_start.runner == wanted.runner
            && with_preload(wanted, preload)? == self.command.args
            && ["v", "parent", "entry", "ts", "sdk", "modules"]
                .into_iter()
                .all(same)
            && fixed(&self.cold_start) == fixed(wanted);
        if !alike {
            return None;
        }
        let env = handed
            .iter()
            .filter_map(|name| Some((*name, wanted.env.get(OsStr::new(name))?.to_str()?)))
            .collect();
        let cwd = wanted.cwd.to_str()?;
        let mut line = serde_json::to_vec(&Activation { env, cwd }).ok()?;
        line.push(b'\n');
        Some(line)
    }
}

/// What the bootstrap is told, where the command is one for Node.
fn instructions(spec: &CommandSpec) -> Option<Map<String, Value>> {
    let told = spec.env.get(OsStr::new(BOOTSTRAP))?;
    serde_json::from_str(told.to_str()?).ok()
}

/// The preloaded bootstrap of a command.
fn preload(spec: &CommandSpec) -> Option<&Path> {
    let at = spec.args.iter().position(|arg| arg == "--require")?;
    spec.args.get(at + 1).map(Path::new)
}

/// The arguments with the bootstrap preloaded; none where Node has to load it otherwise.
fn with_preload(cold: &CommandSpec, bootstrap: &Path) -> Option<Vec<OsString>> {
    let pair = [OsString::from("--require"), bootstrap.into()];
    if cold.args.windows(2).any(|words| words == pair) {
        return Some(cold.args.clone());
    }
    // Where the package stands in for it there is none. Otherwise it is imported, behind what
    // somebody else wants to be first.
    instructions(cold)?.get("later")?;
    let own = cold
        .args
        .iter()
        .take_while(|arg| *arg == "--expose-internals");
    let at = own.count();
    let mut args = cold.args.clone();
    args.splice(at..at, pair);
    Some(args)
}

/// The user's words for Node, between our own and the entry.
fn flags<'a>(args: &'a [OsString], entry: &Path) -> Option<Vec<&'a str>> {
    let end = args.iter().position(|arg| Path::new(arg) == entry)?;
    let own = args.iter().position(|arg| arg == "--require")? + 2;
    args.get(own..end)?.iter().map(|arg| arg.to_str()).collect()
}

fn are_harmless<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut value = false;
    for word in words {
        if !word.starts_with('-') {
            if !value {
                return false;
            }
            value = false;
            continue;
        }
        let (name, joined) = match word.split_once('=') {
            Some((name, _)) => (name, true),
            None => (word, false),
        };
        // V8 spells its options either way.
        let name = name.replace('_', "-");
        if !STANDBY_SAFE_OPTIONS.contains(&name.as_str()) {
            return false;
        }
        value = !joined;
    }
    true
}

/// What of Fulcrum's own the domain will load first: as it will, so that it is the same module then.
fn preload_list(
    told: &Map<String, Value>,
    entry: &Path,
    app_root: &Path,
    toolbox: &PrepareContext,
) -> Value {
    let given = told.get("sdk").and_then(Value::as_str).map(PathBuf::from);
    let placed = || {
        let (entry, root) = (entry.canonicalize().ok()?, app_root.canonicalize().ok()?);
        resolves_to_embedded_sdk(&toolbox.sdk, &entry, &root)
            .then(|| root.join("node_modules").join(PACKAGE))
    };
    // One of the user's own is the domain's code, and may change.
    let Some(folder) = given.or_else(placed) else {
        return json!({});
    };
    if is_module(entry, &toolbox.cache) {
        json!({ "imported": file_url(&folder.join("dist/index.mjs")) })
    } else {
        json!({ "required": folder.join("dist/index.cjs").to_string_lossy() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cold(args: &[&str], told: &Value, env: &[(&str, &str)]) -> CommandSpec {
        let mut all: BTreeMap<OsString, OsString> = env
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        all.insert(BOOTSTRAP.into(), told.to_string().into());
        CommandSpec {
            program: "/usr/bin/node".into(),
            args: args.iter().map(OsString::from).collect(),
            cwd: "/app/domains/users".into(),
            env: all,
            runner: "node 20.20.2".to_owned(),
        }
    }

    fn told() -> Value {
        json!({"v": 1, "parent": 7, "entry": "/app/d.js", "starts": false, "ts": null, "sdk": null})
    }

    fn bootstrap(toolbox: &PrepareContext) -> String {
        let path = toolbox.sdk.bootstrap(&toolbox.cache).unwrap();
        path.to_string_lossy().into_owned()
    }

    fn spare_of(spec: &CommandSpec, toolbox: &PrepareContext) -> Option<StandbyCommand> {
        StandbyCommand::of(spec, Path::new("/app"), toolbox)
    }

    #[test]
    fn a_spare_takes_over_what_differs_from_life_to_life_and_nothing_else() {
        let cache = tempfile::tempdir().unwrap();
        let toolbox = PrepareContext::new(cache.path(), Vec::new());
        let boot = bootstrap(&toolbox);
        let args = ["--require", &boot, "/app/d.js", "x"];
        let was = cold(
            &args,
            &told(),
            &[("TOKEN", "a"), ("PORT", "1"), ("B", "same")],
        );
        let spare = spare_of(&was, &toolbox).unwrap();
        assert_eq!(spare.command.args, was.args);
        let mut later = told();
        later["starts"] = json!(true);
        let next = cold(
            &args,
            &later,
            &[("TOKEN", "b"), ("PORT", "2"), ("B", "same")],
        );
        let line = spare.activation(&next, &["TOKEN"], &["PORT"]).unwrap();
        let line: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["env"]["PORT"], "2");
        assert_eq!(
            line["env"].get("TOKEN"),
            None,
            "each process has its own from the start"
        );
        let text = line["env"][BOOTSTRAP].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), later);
        assert_eq!(spare.activation(&next, &["TOKEN"], &[]), None);

        let differs = |change: &dyn Fn(&mut CommandSpec)| {
            let mut other = next.clone();
            change(&mut other);
            spare.activation(&other, &["TOKEN"], &["PORT"]).is_none()
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
        let mut types = told();
        types["ts"] = json!({"manifest": "/m", "strip": [], "commonjs": true});
        let typescript = cold(
            &args,
            &types,
            &[("TOKEN", "b"), ("PORT", "2"), ("B", "same")],
        );
        assert_eq!(
            spare.activation(&typescript, &["TOKEN"], &["PORT"]),
            None,
            "its hooks are other ones"
        );
    }

    #[test]
    fn where_the_package_stands_in_a_spare_has_the_preload_all_the_same() {
        let cache = tempfile::tempdir().unwrap();
        let toolbox = PrepareContext::new(cache.path(), Vec::new());
        let boot = bootstrap(&toolbox);
        let mut later = told();
        later["later"] = json!("file:///b.cjs");
        let was = cold(&["/app/d.js"], &later, &[]);
        let spare = spare_of(&was, &toolbox).unwrap();
        assert_eq!(
            spare.command.args,
            ["--require", &boot, "/app/d.js"].map(OsString::from)
        );
        let booted = instructions(&spare.command).unwrap();
        assert_eq!(booted.get("later"), None);
        // The entry is preloaded in the next life, for which it is the same process.
        let next = cold(&["--require", &boot, "/app/d.js"], &told(), &[]);
        assert!(spare.activation(&next, &[], &[]).is_some());
        assert!(spare.activation(&was, &[], &[]).is_some());
    }

    #[test]
    fn what_node_is_told_besides_decides_whether_there_can_be_a_spare() {
        let cache = tempfile::tempdir().unwrap();
        let toolbox = PrepareContext::new(cache.path(), Vec::new());
        let boot = bootstrap(&toolbox);
        let possible = |flags: &[&str], options: &str| {
            let args = [&["--require", boot.as_str()], flags, &["/app/d.js"]].concat();
            let options = (!options.is_empty()).then_some(("NODE_OPTIONS", options));
            spare_of(&cold(&args, &told(), options.as_slice()), &toolbox).is_some()
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
            "it would be the entry, or a value of we don't know what"
        );
        let imported = cold(&["--import", "file:///b.cjs", "/app/d.js"], &told(), &[]);
        assert!(spare_of(&imported, &toolbox).is_none());
        let mut plain = cold(&["/app/d.js"], &told(), &[]);
        plain.env.clear();
        assert!(
            spare_of(&plain, &toolbox).is_none(),
            "a program that isn't Node"
        );
    }
}
