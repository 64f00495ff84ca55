//! From a request to an app and all that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;

use figment::value::{Dict, Value};

use crate::app::{App, EffectiveConfig};
use crate::dependency_graph;
use crate::diagnostic::{self, Diagnostic, quoted};
use crate::discover;
use crate::discovered::Discovery;
use crate::domain_builder::{self, DomainBuilder, DomainContext, unknown_domain};
use crate::file::{CONFIG_FILE, read_config};
use crate::layer_parser::{LayerParser, Source};
use crate::layers::{self, SettingArena};
use crate::process::PortSetting;
use crate::request::{LoadOptions, LoadResult};
use crate::root::find_app_root;
use crate::runtime::RuntimeSettings;
use crate::setting::Origin;
use crate::toplevel::{self, FileKind};
use crate::{defaults, group_checks, overrides, resolve, schema};

/// Finds an app and reads its whole configuration.
///
/// All findings are returned at once, ordered by file and line; a finding isn't followed by others
/// that it causes. Files are read within bounds of time and memory, whatever is in them.
pub fn load(request: &LoadOptions) -> LoadResult {
    let mut problems = Vec::new();
    let app = match find_app_root(request.app.as_deref(), &request.env, &request.cwd) {
        Ok(root) => read(request, &root, &mut problems),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    diagnostic::sort(&mut problems);
    let mut loaded = LoadResult { app, problems };
    if !loaded.is_valid() {
        loaded.app = None;
    }
    loaded
}

/// The app's own layers, merged.
struct AppLayers {
    runtime: Dict,
    /// Below a domain's file.
    lower: Dict,
    /// Above it.
    upper: Dict,
    /// Whether the app's file could be read at all.
    readable: bool,
}

fn read(request: &LoadOptions, root: &Path, problems: &mut Vec<Diagnostic>) -> Option<App> {
    let mut leaves = SettingArena::default();
    let layers = app_layers(request, root, &mut leaves, problems);
    let tree = layers::resolve(&leaves, layers.runtime);
    let runtime = resolve::runtime(&tree, root, problems);
    let told = problems.len();
    let found = match tree.leaf("domains") {
        Some(leaf) => discover::discover(root, &runtime.domains, &leaf.origin, problems),
        None => Discovery::default(),
    };
    let looked_well = problems.len() == told;
    let around = DomainContext {
        root,
        env: &request.env,
        lower_layers: &layers.lower,
        upper_layers: &layers.upper,
    };
    let drafts: BTreeMap<String, DomainBuilder> = found
        .domains
        .values()
        .map(|found| {
            (
                found.name.clone(),
                domain_builder::read(found, &around, &mut leaves, problems),
            )
        })
        .collect();
    if !layers.readable {
        // What the app says is unknown: only what is wrong with each domain alone can be told.
        return None;
    }
    if drafts.is_empty() && looked_well {
        problems.push(
            Diagnostic::warning("no-domains", format!("the app has no domains: {} has none", quoted(&runtime.domains.join(", "))))
                .in_file(CONFIG_FILE)
                .hint("make one with `fulcrum generate domain NAME`: a folder with a `domain.js` or `domain.ts`"),
        );
    }
    check_dependencies(&drafts, &found, problems);
    group_checks::check(&tree, &runtime, &drafts, &found, problems);
    check_ports(&runtime, &drafts, problems);
    let mut shown_runtime = tree.show();
    redact_headers(&mut shown_runtime);
    let shown = EffectiveConfig {
        runtime: shown_runtime,
        domains: drafts
            .iter()
            .map(|(name, draft)| (name.clone(), draft.show(root)))
            .collect(),
    };
    Some(App {
        root: root.to_owned(),
        name: root.file_name().map_or_else(
            || "app".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        ),
        runtime,
        domains: drafts.into_values().map(DomainBuilder::build).collect(),
        shown,
    })
}

/// Headers to a receiver of logs are there to identify who sends: their values aren't shown.
fn redact_headers(runtime: &mut serde_json::Value) {
    let headers = runtime.pointer_mut("/logs/forward/headers");
    for (_, leaf) in headers
        .and_then(serde_json::Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        leaf["value"] = serde_json::json!("***");
        leaf["masked"] = serde_json::json!(true);
    }
}

fn app_layers(
    request: &LoadOptions,
    root: &Path,
    leaves: &mut SettingArena,
    problems: &mut Vec<Diagnostic>,
) -> AppLayers {
    let (default_runtime, default_process) = defaults::layers(request.mode, leaves);
    let file = Path::new(CONFIG_FILE);
    let config = read_config(&root.join(file), file, FileKind::App.section(), problems);
    let readable = config.is_some();
    let mut own = Dict::new();
    if let Some(config) = config {
        toplevel::check(&config, FileKind::App, file, problems);
        if let Some(section) = config.get("runtime") {
            let source = Source::File {
                file: file.to_owned(),
                folder: root.to_owned(),
            };
            let mut lower = LayerParser {
                source,
                env: Some(&request.env),
                leaves,
                problems,
            };
            own = lower.section(schema::RUNTIME, &section.value, "runtime");
        }
    }
    let env = overrides::from_env(&request.env, leaves, problems);
    let flags = overrides::from_flags(&request.flags, leaves, problems);
    let mut runtime = layers::merge([
        ("defaults", &default_runtime),
        ("app", &own),
        ("env", &env.runtime),
        ("flags", &flags.runtime),
    ]);
    let for_all = match runtime.remove("defaults") {
        Some(Value::Dict(_, dict)) => dict,
        _ => Dict::new(),
    };
    AppLayers {
        runtime,
        lower: layers::merge([
            ("defaults", &default_process),
            ("runtime.defaults", &for_all),
        ]),
        upper: layers::merge([("env", &env.process), ("flags", &flags.process)]),
        readable,
    }
}

fn check_dependencies(
    drafts: &BTreeMap<String, DomainBuilder>,
    found: &Discovery,
    problems: &mut Vec<Diagnostic>,
) {
    let mut graph: dependency_graph::Graph<'_> = BTreeMap::new();
    for draft in drafts.values() {
        let needs = graph.entry(&draft.name).or_default();
        for (name, origin) in resolve::dependency_origins(&draft.tree) {
            match drafts.get(name) {
                None if found.rejected.contains(name) => {}
                None => problems.push(unknown_domain(name, drafts.keys().map(String::as_str), "process.depends_on", origin)),
                Some(other) if !other.may_have_process() => problems.push(
                    Diagnostic::error(
                        "no-process",
                        format!("{}`process.depends_on`: the domain {} has no process to wait for", origin.prefix(), quoted(name)),
                    )
                    .at(origin.place())
                    .hint("it has a `fulcrum.yml` but no entry point: remove the dependency, or give it one"),
                ),
                Some(_) => {
                    needs.insert(name);
                }
            }
        }
    }
    for cycle in dependency_graph::cycles(&graph) {
        let first = &cycle[0];
        let next = cycle.get(1).unwrap_or(first);
        let origin = drafts
            .get(first)
            .and_then(|draft| {
                resolve::dependency_origins(&draft.tree)
                    .get(next.as_str())
                    .copied()
            })
            .unwrap_or(&Origin::Default);
        problems.push(
            Diagnostic::error(
                "dependency-cycle",
                format!(
                    "`process.depends_on`: each waits for the next, forever: {} -> {first}",
                    cycle.join(" -> ")
                ),
            )
            .at(origin.place())
            .hint("remove one of these dependencies"),
        );
    }
}

/// Two that are given the same port can't both listen there. Only a warning: they may listen at
/// different addresses, or not at all.
fn check_ports(
    runtime: &RuntimeSettings,
    drafts: &BTreeMap<String, DomainBuilder>,
    problems: &mut Vec<Diagnostic>,
) {
    let mut taken: BTreeMap<u16, &str> =
        BTreeMap::from([(runtime.grpc.listen.port, "runtime.grpc.listen")]);
    for draft in drafts.values() {
        let Some(PortSetting::Fixed(port)) = draft.process.port else {
            continue;
        };
        match taken.get(&port) {
            Some(other) => problems.push(
                Diagnostic::warning(
                    "duplicate-port",
                    format!(
                        "`process.port`: {} is given port {port}, which {} has too",
                        quoted(&draft.name),
                        quoted(other)
                    ),
                )
                .at(draft.origin("port").and_then(Origin::place))
                .hint("give each a port of its own, or `port: auto`"),
            ),
            None => {
                taken.insert(port, &draft.name);
            }
        }
    }
}
