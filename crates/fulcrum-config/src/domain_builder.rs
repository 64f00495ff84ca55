//! One domain while it is built: its file read, its layers merged, its program found.

use std::path::{Path, PathBuf};

use figment::value::Dict;

use crate::app::{Domain, Program};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::discovered::DiscoveredDomain;
use crate::effective::EffectiveDomain;
use crate::entry_point;
use crate::file::{CONFIG_FILE, read_config};
use crate::interpolate::References;
use crate::job_defaults::apply_job_defaults;
use crate::layer_parser::{LayerParser, Source};
use crate::layers::{self, SettingArena};
use crate::process::{ProbeCheck, ProcessSettings};
use crate::resolve;
use crate::resolve::env_files::Environment;
use crate::schema;
use crate::setting::{Origin, Setting, SettingTree, SettingWithOrigin};
use crate::toplevel::{self, FileKind};

/// The layers below and above a domain's own file.
pub(crate) struct DomainContext<'a> {
    pub(crate) root: &'a Path,
    /// What `${…}` stands for, and the environment.
    pub(crate) references: References<'a>,
    /// The built-in defaults and the app's defaults, merged.
    pub(crate) lower_layers: &'a Dict,
    /// Variables and flags, merged.
    pub(crate) upper_layers: &'a Dict,
    /// `runtime.env_override`.
    pub(crate) env_override: bool,
}

impl DomainContext<'_> {
    fn environment(&self) -> Environment<'_> {
        Environment {
            inherited: self.references.env,
            files_override: self.env_override,
        }
    }
}

/// A domain, possibly with errors that are reported already.
pub(crate) struct DomainBuilder {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// None if an error prevents to determine the program.
    pub(crate) program: Option<Program>,
    pub(crate) process: ProcessSettings,
    pub(crate) tree: SettingTree,
    discovered: bool,
}

/// Reads one domain and reports the errors that concern it alone.
pub(crate) fn read(
    found: &DiscoveredDomain,
    context: &DomainContext<'_>,
    arena: &mut SettingArena,
    diagnostics: &mut Vec<Diagnostic>,
) -> DomainBuilder {
    let dir = context.root.join(&found.display_path);
    let file = found.display_path.join(CONFIG_FILE);
    let config = found.config.then(|| {
        read_config(
            &dir.join(CONFIG_FILE),
            &file,
            FileKind::Domain.section(),
            diagnostics,
        )
    });
    let readable = !matches!(config, Some(None));
    let mut own_layer = Dict::new();
    if let Some(root) = config.flatten() {
        toplevel::check(&root, FileKind::Domain, &file, diagnostics);
        if let Some(section) = root.get("process") {
            let source = Source::File {
                file,
                dir: dir.clone(),
            };
            let mut parser = LayerParser {
                source,
                references: Some(context.references),
                arena,
                diagnostics,
            };
            own_layer = parser.section(schema::PROCESS, &section.value, "process");
        }
    }
    let merged = layers::merge([
        ("app", context.lower_layers),
        ("domain", &own_layer),
        ("overrides", context.upper_layers),
    ]);
    let mut tree = layers::resolve(arena, merged);
    drop_self_dependency(&mut tree, &found.name);
    let (program, discovered) = if readable {
        program(found, &tree, context.root, &dir, diagnostics)
    } else {
        (None, false)
    };
    apply_job_defaults(&mut tree);
    if matches!(program, Some(Program::Command(_))) {
        default_to_started(&mut tree);
    }
    let process = resolve::process(
        &tree,
        context.root,
        &dir,
        &context.environment(),
        diagnostics,
    );
    DomainBuilder {
        name: found.name.clone(),
        dir,
        program,
        process,
        tree,
        discovered,
    }
}

/// An app-wide default such as `depends_on: [db]` does not apply to `db` itself.
fn drop_self_dependency(tree: &mut SettingTree, name: &str) {
    let is_app_wide =
        resolve::dependency_origins(tree)
            .get(name)
            .is_some_and(|origin| match origin {
                Origin::File { file, .. } => file.as_os_str() == CONFIG_FILE,
                Origin::Default | Origin::Variable(_) | Origin::Flag(_) => true,
            });
    if let (true, SettingTree::Map(settings)) = (is_app_wide, tree)
        && let Some(SettingTree::Map(dependencies)) = settings.get_mut("depends_on")
    {
        dependencies.remove(name);
    }
}

/// A program other than Node need not register, so without a readiness probe it is ready once it
/// runs.
fn default_to_started(tree: &mut SettingTree) {
    if let SettingTree::Map(settings) = tree
        && let Some(SettingTree::Leaf(leaf)) = settings.get_mut("ready")
        && leaf.origin == Origin::Default
        && let Setting::Probe(probe) = &mut leaf.setting
    {
        probe.check = ProbeCheck::Started;
    }
}

/// The domain's program (none after an error), and whether its entry point was found by its name.
fn program(
    found: &DiscoveredDomain,
    tree: &SettingTree,
    root: &Path,
    dir: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Option<Program>, bool) {
    let entry = match tree.leaf("entry") {
        Some(SettingWithOrigin {
            setting: Setting::String(entry),
            origin,
        }) => Some((entry, origin)),
        _ => None,
    };
    let command = match tree.leaf("command") {
        Some(SettingWithOrigin {
            setting: Setting::StringList(command),
            origin,
        }) => Some((command, origin)),
        _ => None,
    };
    match (entry, command) {
        (Some((_, origin)), Some((_, other))) => {
            diagnostics.push(
                Diagnostic::error(
                    Code::TwoPrograms,
                    format!(
                        "{}both `process.entry` and `process.command` ({other}) are set",
                        origin.prefix()
                    ),
                )
                .at(origin.location())
                .hint("`entry` is a file for Node, `command` is any other program: keep one"),
            );
            (None, false)
        }
        (None, Some((command, origin))) => {
            if command.first().is_some_and(String::is_empty) {
                diagnostics.push(
                    Diagnostic::error(
                        Code::InvalidValue,
                        format!(
                            "{}`process.command`: the program's name is empty",
                            origin.prefix()
                        ),
                    )
                    .at(origin.location())
                    .hint("write `[PROGRAM, ARGUMENT, …]`"),
                );
                return (None, false);
            }
            (Some(Program::Command(command.clone())), false)
        }
        (Some((entry, origin)), None) => match entry_point::resolve_configured(root, dir, entry) {
            Ok(entry) => (Some(Program::Node { entry }), false),
            Err(diagnostic) => {
                let message = format!("{}{}", origin.prefix(), diagnostic.message);
                diagnostics.push(
                    Diagnostic {
                        message,
                        ..diagnostic
                    }
                    .at(origin.location()),
                );
                (None, false)
            }
        },
        (None, None) => match entry_point::detect(root, found) {
            Ok(Some(entry)) => (Some(Program::Node { entry }), true),
            Ok(None) => (Some(Program::NoProcess), false),
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                (None, false)
            }
        },
    }
}

impl DomainBuilder {
    /// Whether the domain may have a process. After an error it counts as having one, so that the
    /// domains that depend on it are not reported as well.
    pub(crate) fn may_have_process(&self) -> bool {
        self.program != Some(Program::NoProcess)
    }

    /// The origin of a setting.
    pub(crate) fn origin(&self, path: &str) -> Option<&Origin> {
        self.tree.leaf(path).map(|leaf| &leaf.origin)
    }

    /// The domain, and its settings with their origins. To be used only without errors.
    pub(crate) fn build(self) -> (Domain, EffectiveDomain) {
        let discovered_entry = match (self.discovered, &self.program) {
            (true, Some(Program::Node { entry })) => Some(entry.clone()),
            _ => None,
        };
        let effective = EffectiveDomain {
            name: self.name.clone(),
            dir: self.dir.clone(),
            discovered_entry,
            cwd: self.process.cwd.clone(),
            settings: self.tree,
        };
        let domain = Domain {
            name: self.name,
            dir: self.dir,
            program: self.program.unwrap_or(Program::NoProcess),
            process: self.process,
        };
        (domain, effective)
    }
}

/// The diagnostic for a dependency or group member that is not a domain.
pub(crate) fn unknown_domain<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    setting: &str,
    origin: &Origin,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Code::UnknownDomain,
        format!(
            "{}`{setting}`: unknown domain {}",
            origin.prefix(),
            quoted(name)
        ),
    )
    .at(origin.location());
    match crate::suggest::closest(name, known.clone()) {
        Some(suggestion) => diagnostic.hint(format!("did you mean `{suggestion}`?")),
        None => diagnostic.hint(format!(
            "the domains are {}",
            known.collect::<Vec<_>>().join(", ")
        )),
    }
}
