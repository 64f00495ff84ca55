//! Loads a configuration: an app and its diagnostics.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use figment::value::{Dict, Value};

use crate::app::App;
use crate::code::Code;
use crate::dependency_graph;
use crate::diagnostic::{self, Diagnostic, quoted};
use crate::discover;
use crate::discovered::Discovery;
use crate::domain_builder::{DomainBuilder, DomainContext, unknown_domain};
use crate::domain_reader;
use crate::effective::EffectiveConfig;
use crate::file::{CONFIG_FILE, read_config};
use crate::interpolate::References;
use crate::layer_parser::{LayerParser, Source};
use crate::layers::{self, SettingArena};
use crate::options::{LoadOptions, LoadResult};
use crate::root::find_app_root;
use crate::setting::Origin;
use crate::toplevel::{self, FileKind};
use crate::{defaults, group_checks, jobs, overrides, port_checks, ports, resolve, schema};

/// Finds an app and loads its whole configuration.
///
/// All diagnostics are returned at once, ordered by file and line. An error does not cause further
/// diagnostics. Time and memory are bounded, whatever the files contain.
pub fn load(options: &LoadOptions) -> LoadResult {
    let mut diagnostics = Vec::new();
    let app = match find_app_root(options.app.as_deref(), &options.env, &options.cwd) {
        Ok(root) => read_with_ports(options, &root, &mut diagnostics),
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            None
        }
    };
    diagnostic::sort(&mut diagnostics);
    let mut loaded = LoadResult { app, diagnostics };
    if !loaded.is_valid() {
        loaded.app = None;
    }
    loaded
}

/// The app's own layers, merged.
struct AppLayers {
    runtime: Dict,
    /// The layers below a domain's file.
    lower: Dict,
    /// The layers above a domain's file.
    upper: Dict,
    /// Whether the app's file was readable.
    readable: bool,
}

/// Reads the app; a second time if a value refers to the port of a domain, since those are known only
/// when all domains have been read.
fn read_with_ports(
    options: &LoadOptions,
    root: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<App> {
    let mut first = Vec::new();
    let app = read(options, root, &BTreeMap::new(), &mut first);
    let is_unknown = |diagnostic: &Diagnostic| diagnostic.code == Code::UnknownPort;
    if !first.iter().any(is_unknown) {
        diagnostics.append(&mut first);
        return app;
    }
    let Some(app) = app else {
        // The app's file has errors of its own, and which ports there are is not known.
        first.retain(|diagnostic| !is_unknown(diagnostic));
        diagnostics.append(&mut first);
        return None;
    };
    read(options, root, &ports::by_domain(&app, options), diagnostics)
}

fn read(
    options: &LoadOptions,
    root: &Path,
    ports: &BTreeMap<String, Option<String>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<App> {
    let references = References {
        env: &options.env,
        ports,
    };
    let mut arena = SettingArena::default();
    let layers = app_layers(options, references, root, &mut arena, diagnostics);
    let tree = layers::resolve(&arena, layers.runtime);
    let runtime = resolve::runtime(&tree, root, diagnostics);
    let count_before = diagnostics.len();
    let found = match tree.leaf("domains") {
        Some(leaf) => discover::discover(root, &runtime.domains, &leaf.origin, diagnostics),
        None => Discovery::default(),
    };
    let is_discovery_clean = diagnostics.len() == count_before;
    let context = DomainContext {
        root,
        references,
        lower_layers: &layers.lower,
        upper_layers: &layers.upper,
        env_override: runtime.env_override,
    };
    let mut builders = domain_reader::read_all(&found, &context, &arena, diagnostics);
    if !layers.readable {
        // Without the app's settings, only errors of single domains are known.
        return None;
    }
    if builders.is_empty() && is_discovery_clean {
        diagnostics.push(
            Diagnostic::warning(Code::NoDomains, format!("the app has no domains in {}", quoted(&runtime.domains.join(", "))))
                .in_file(CONFIG_FILE)
                .hint("create one with `fulcrum generate domain NAME`: a directory with a `domain.js` or `domain.ts`"),
        );
    }
    jobs::recognize(&mut builders);
    jobs::check(&builders, diagnostics);
    check_dependencies(&builders, &found, diagnostics);
    group_checks::check(&tree, &runtime, &builders, &found, diagnostics);
    port_checks::check(&runtime, &builders, diagnostics);
    let built = builders.into_iter().map(|(name, builder)| {
        let (domain, effective) = builder.build();
        (domain, (name, effective))
    });
    let (domains, effective_domains) = built.unzip();
    Some(App {
        root: root.to_owned(),
        name: root.file_name().map_or_else(
            || "app".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        ),
        runtime,
        domains,
        effective: Arc::new(EffectiveConfig {
            runtime: tree,
            domains: effective_domains,
        }),
        shows_secrets: false,
    })
}

fn app_layers(
    options: &LoadOptions,
    references: References<'_>,
    root: &Path,
    arena: &mut SettingArena,
    diagnostics: &mut Vec<Diagnostic>,
) -> AppLayers {
    let (default_runtime, default_process) = defaults::layers(options.mode, arena);
    let file = Path::new(CONFIG_FILE);
    let config = read_config(&root.join(file), file, FileKind::App.section(), diagnostics);
    let readable = config.is_some();
    let mut app_layer = Dict::new();
    if let Some(config) = config {
        toplevel::check(&config, FileKind::App, file, diagnostics);
        if let Some(section) = config.get("runtime") {
            let source = Source::File {
                file: file.to_owned(),
                dir: root.to_owned(),
            };
            let mut lower = LayerParser {
                source,
                references: Some(references),
                arena,
                diagnostics,
            };
            app_layer = lower.section(schema::RUNTIME, &section.value, "runtime");
        }
    }
    let env = overrides::from_env(&options.env, arena, diagnostics);
    let flags = overrides::from_flags(&options.flags, arena, diagnostics);
    let mut runtime = layers::merge([
        ("defaults", &default_runtime),
        ("app", &app_layer),
        ("env", &env.runtime),
        ("flags", &flags.runtime),
    ]);
    let app_defaults = match runtime.remove("defaults") {
        Some(Value::Dict(_, dict)) => dict,
        _ => Dict::new(),
    };
    AppLayers {
        runtime,
        lower: layers::merge([
            ("defaults", &default_process),
            ("runtime.defaults", &app_defaults),
        ]),
        upper: layers::merge([("env", &env.process), ("flags", &flags.process)]),
        readable,
    }
}

fn check_dependencies(
    builders: &BTreeMap<String, DomainBuilder>,
    found: &Discovery,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut graph: dependency_graph::Graph<'_> = BTreeMap::new();
    for builder in builders.values() {
        let dependencies = graph.entry(&builder.name).or_default();
        for (name, origin) in resolve::dependency_origins(&builder.tree) {
            match builders.get(name) {
                None if found.rejected.contains(name) => {}
                None => diagnostics.push(unknown_domain(name, builders.keys().map(String::as_str), "process.depends_on", origin)),
                Some(other) if !other.may_have_process() => diagnostics.push(
                    Diagnostic::error(
                        Code::NoProcess,
                        format!("{}`process.depends_on`: the domain {} has no process to wait for", origin.prefix(), quoted(name)),
                    )
                    .at(origin.location())
                    .hint("it has a `fulcrum.yml` but no entry point: remove the dependency, or give it one"),
                ),
                Some(_) => {
                    dependencies.insert(name);
                }
            }
        }
    }
    for cycle in dependency_graph::cycles(&graph) {
        let first = &cycle[0];
        let next = cycle.get(1).unwrap_or(first);
        let origin = builders
            .get(first)
            .and_then(|builder| {
                resolve::dependency_origins(&builder.tree)
                    .get(next.as_str())
                    .copied()
            })
            .unwrap_or(&Origin::Default);
        diagnostics.push(
            Diagnostic::error(
                Code::DependencyCycle,
                format!(
                    "`process.depends_on`: dependency cycle: {} -> {first}",
                    cycle.join(" -> ")
                ),
            )
            .at(origin.location())
            .hint("remove one of these dependencies"),
        );
    }
}
