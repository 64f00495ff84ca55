//! From the decision to start to registered, of domains in TypeScript, beside the same under tsx.
//!
//! The time includes the preparation, which registered_in_ms does not: reading the files, and what has
//! to be compiled.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::app::App;
use super::median::median;
use super::nodes::Nodes;
use crate::node_tools;

const ROUNDS: usize = 10;

/// Fulcrum is to be this many times faster than tsx.
const TIMES_FASTER: f64 = 4.0;
/// A transformed domain, relative to one whose types are only stripped.
const TRANSFORM_RATIO: f64 = 1.15;
/// What an empty cache may cost the domain of 200 files, in milliseconds.
const COLD_MS: f64 = 150.0;

/// A domain to start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Strip,
    Transform,
    Files200,
    Aliases,
    /// Before each start, all compiled code is removed.
    Cold200,
}

const PROGRAMS: [Program; 5] = [
    Program::Strip,
    Program::Transform,
    Program::Files200,
    Program::Aliases,
    Program::Cold200,
];

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Strip => "strip only",
            Self::Transform => "transform (enum + decorators)",
            Self::Files200 => "200-file domain",
            Self::Aliases => "aliases",
            Self::Cold200 => "cold (empty cache) 200 files",
        }
    }

    fn files(self) -> Vec<(String, String)> {
        let own = |text: &str| vec![("domain.mts".to_owned(), domain("", text))];
        match self {
            Self::Strip => own("interface Payload { n: number }\n"),
            Self::Transform => {
                let code = "enum Kind { A = 1, B }\n\
                            const log: MethodDecorator = () => undefined;\n\
                            class Service { constructor(readonly kind: Kind) {} @log run(n: number): string { return Kind[n]; } }\n\
                            new Service(Kind.A).run(1);\n";
                let mut files = own(code);
                files.push(tsconfig(
                    r#""experimentalDecorators": true, "emitDecoratorMetadata": true"#,
                ));
                files
            }
            Self::Files200 | Self::Cold200 => modules(200, "./"),
            Self::Aliases => {
                let mut files = modules(20, "@lib/");
                files.push(tsconfig(r#""paths": { "@lib/*": ["./*"] }"#));
                files
            }
        }
    }
}

fn tsconfig(options: &str) -> (String, String) {
    let text = format!("{{ \"compilerOptions\": {{ {options} }} }}\n");
    ("tsconfig.json".to_owned(), text)
}

/// A domain that only registers.
fn domain(imports: &str, code: &str) -> String {
    format!(
        "import {{ DomainBase }} from '@fulcrum/domain';\n{imports}\n{code}\
         class Trivial extends DomainBase {{\n  pingHandler(payload: unknown) {{ return payload; }}\n}}\n\
         await new Trivial().start();\n"
    )
}

/// A domain that imports many files, of which every second one has an enum.
fn modules(count: usize, prefix: &str) -> Vec<(String, String)> {
    let imports = (0..count).map(|n| format!("import {{ f{n} }} from '{prefix}m{n}.mjs';\n"));
    let imports: String = imports.collect();
    let uses: String = (0..count).map(|n| format!("f{n}({n});\n")).collect();
    let mut files = vec![("domain.mts".to_owned(), domain(&imports, &uses))];
    files.extend((0..count).map(|n| {
        let kind = if n % 2 == 0 {
            format!("export enum Kind{n} {{ A = {n}, B }}\n")
        } else {
            format!("export type Kind{n} = 'a' | 'b';\n")
        };
        let text = format!(
            "{kind}export interface Shape{n} {{ id: number; name: string }}\n\
             export function f{n}(id: number): Shape{n} {{\n  const name: string = `shape ${{id}}`;\n  return {{ id, name }};\n}}\n"
        );
        (format!("m{n}.mts"), text)
    }));
    files
}

pub(super) fn run(fulcrum: &Path, nodes: &Nodes) -> anyhow::Result<()> {
    let tsx = node_tools::tsx_arguments()?;
    println!("\nnode  TypeScript                       fulcrum       tsx  faster  target");
    for (name, node) in [("20", &nodes.v20), ("24", &nodes.v24)] {
        let mut times = Vec::new();
        for program in PROGRAMS {
            let (own, other) = measure(fulcrum, node, program, &tsx)?;
            times.push(own);
            println!(
                "{name:4}  {:30} {own:6.0} ms {other:6.0} ms  {:5.1}x  {TIMES_FASTER:.1}x  {}",
                program.name(),
                other / own,
                word(other / own >= TIMES_FASTER),
            );
        }
        let [strip, transform, warm, _, cold] = times[..] else {
            unreachable!("one time for each of PROGRAMS");
        };
        let (ratio, on_top) = (transform / strip, cold - warm);
        println!(
            "{name:4}  transform / strip only: {ratio:.2} (target {TRANSFORM_RATIO}) {}; \
             empty cache: {on_top:+.0} ms (target {COLD_MS}) {}",
            word(ratio <= TRANSFORM_RATIO),
            word(on_top <= COLD_MS),
        );
    }
    Ok(())
}

fn word(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}

/// Medians of the starts by Fulcrum itself and by tsx, in milliseconds, measured in turns.
fn measure(
    fulcrum: &Path,
    node: &Path,
    program: Program,
    tsx: &[String],
) -> anyhow::Result<(f64, f64)> {
    let scratch = tempfile::tempdir()?;
    let app = |node_args: &[String]| {
        // Cold starts are measured, without a standby process that boots beside them. tsx keeps its
        // cache in the directory for temporary files.
        let settings = format!(
            "runtime:\n  standby: \"off\"\n  defaults:\n    node: {}\n    node_args: {}\n    env:\n      TMPDIR: {}\n",
            node.display(),
            serde_json::to_string(node_args)?,
            scratch.path().display(),
        );
        let app = App::with_files(fulcrum, &settings, &program.files(), 1)?;
        app.fulcrum(&["dev", "--detach", "--wait"]).stdout()?;
        anyhow::Ok(app)
    };
    let (own, other) = (app(&[])?, app(tsx)?);
    let caches = [own.cache().join("ts"), tsx_cache(scratch.path())];
    let old_caches = tempfile::tempdir()?;
    let (mut own_times, mut other_times) = (Vec::new(), Vec::new());
    // One more round: the first fills caches.
    for round in 0..=ROUNDS {
        if program == Program::Cold200 {
            for (index, cache) in caches.iter().enumerate().filter(|(_, it)| it.exists()) {
                // Moved, not deleted: right after many deletions ext4 takes ten times as long to create
                // files, which nobody has who starts with an empty cache.
                fs::rename(cache, old_caches.path().join(format!("{round}-{index}")))?;
            }
        }
        let (a, b) = (restart(&own)?, restart(&other)?);
        if round > 0 {
            own_times.push(a);
            other_times.push(b);
        }
    }
    Ok((median(&own_times), median(&other_times)))
}

fn tsx_cache(temporary: &Path) -> PathBuf {
    temporary.join(format!("tsx-{}", rustix::process::getuid().as_raw()))
}

/// Restarts the domain; milliseconds from its preparation to its readiness.
fn restart(app: &App) -> anyhow::Result<f64> {
    app.fulcrum(&["domains", "restart", "d0"]).stdout()?;
    let events = app
        .fulcrum(&["domains", "events", "d0", "-o", "json"])
        .stdout()?;
    let time_of = |kind: &str| -> anyhow::Result<f64> {
        let events = events.lines().rev();
        let mut events = events.filter_map(|line| serde_json::from_str(line).ok());
        let event: serde_json::Value = events
            .find(|event: &serde_json::Value| event["type"] == kind)
            .with_context(|| format!("no event {kind}"))?;
        let time = event["time"].as_str().unwrap_or_default();
        milliseconds_of_day(time).with_context(|| format!("{time:?} is no time"))
    };
    let took = time_of("ready")? - time_of("preparing")?;
    ensure!(took > 0.0, "the start went over midnight: {took} ms");
    Ok(took)
}

/// The time of day of `2026-11-28T22:35:18.175Z`.
fn milliseconds_of_day(time: &str) -> Option<f64> {
    let (_, time) = time.strip_suffix('Z')?.split_once('T')?;
    let mut parts = time.split(':');
    let mut next = || parts.next()?.parse::<f64>().ok();
    Some(((next()? * 60.0 + next()?) * 60.0 + next()?) * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_in_milliseconds() {
        let time = milliseconds_of_day("2026-11-28T01:02:03.250Z").unwrap();
        assert_eq!(time.round(), 3_723_250.0);
        assert_eq!(milliseconds_of_day("soon"), None);
    }
}
