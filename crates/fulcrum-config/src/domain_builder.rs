//! One domain on its way: its file read, its layers merged, its program found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::value::Dict;
use serde_json::{Value, json};

use crate::app::{Domain, Program};
use crate::diagnostic::{Diagnostic, quoted};
use crate::discovered::DiscoveredDomain;
use crate::entry_point;
use crate::file::{CONFIG_FILE, read_config};
use crate::layer_parser::{LayerParser, Source};
use crate::layers::{self, SettingArena};
use crate::process::ProcessSettings;
use crate::redact::is_secret_name;
use crate::resolve;
use crate::schema;
use crate::setting::{Origin, Setting, SettingTree, SettingWithOrigin, leaf_json};
use crate::toplevel::{self, FileKind};

/// What lies below and above a domain's own file.
pub(crate) struct DomainContext<'a> {
    pub(crate) root: &'a Path,
    pub(crate) env: &'a BTreeMap<String, String>,
    /// Built-in defaults and the app's, merged.
    pub(crate) lower_layers: &'a Dict,
    /// Variables and flags, merged.
    pub(crate) upper_layers: &'a Dict,
}

/// A domain, perhaps with mistakes that are already reported.
pub(crate) struct DomainBuilder {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// None when what it starts can't be told because of a mistake.
    pub(crate) program: Option<Program>,
    pub(crate) process: ProcessSettings,
    pub(crate) tree: SettingTree,
    discovered: bool,
}

/// Reads one domain and reports all that is wrong with it alone.
pub(crate) fn read(
    found: &DiscoveredDomain,
    around: &DomainContext<'_>,
    leaves: &mut SettingArena,
    problems: &mut Vec<Diagnostic>,
) -> DomainBuilder {
    let dir = around.root.join(&found.display_path);
    let file = found.display_path.join(CONFIG_FILE);
    let config = found.config.then(|| {
        read_config(
            &dir.join(CONFIG_FILE),
            &file,
            FileKind::Domain.section(),
            problems,
        )
    });
    let readable = !matches!(config, Some(None));
    let mut own = Dict::new();
    if let Some(root) = config.flatten() {
        toplevel::check(&root, FileKind::Domain, &file, problems);
        if let Some(section) = root.get("process") {
            let source = Source::File {
                file,
                folder: dir.clone(),
            };
            let mut lower = LayerParser {
                source,
                env: Some(around.env),
                leaves,
                problems,
            };
            own = lower.section(schema::PROCESS, &section.value, "process");
        }
    }
    let merged = layers::merge([
        ("app", around.lower_layers),
        ("domain", &own),
        ("overrides", around.upper_layers),
    ]);
    let mut tree = layers::resolve(leaves, merged);
    drop_self_dependency(&mut tree, &found.name);
    let process = resolve::process(&tree, around.root, &dir, problems);
    let (program, discovered) = if readable {
        program(found, &tree, around.root, &dir, problems)
    } else {
        (None, false)
    };
    DomainBuilder {
        name: found.name.clone(),
        dir,
        program,
        process,
        tree,
        discovered,
    }
}

/// What the app says for every domain, `depends_on: [db]`, isn't said to `db` itself.
fn drop_self_dependency(tree: &mut SettingTree, name: &str) {
    let meant_for_all = resolve::dependency_origins(tree)
        .get(name)
        .is_some_and(|origin| match origin {
            Origin::File { file, .. } => file.as_os_str() == CONFIG_FILE,
            Origin::Default | Origin::Variable(_) | Origin::Flag(_) => true,
        });
    if let (true, SettingTree::Map(settings)) = (meant_for_all, tree)
        && let Some(SettingTree::Map(dependencies)) = settings.get_mut("depends_on")
    {
        dependencies.remove(name);
    }
}

/// What the domain starts (none after a mistake), and whether that was found by its name.
fn program(
    found: &DiscoveredDomain,
    tree: &SettingTree,
    root: &Path,
    dir: &Path,
    problems: &mut Vec<Diagnostic>,
) -> (Option<Program>, bool) {
    let entry = match tree.leaf("entry") {
        Some(SettingWithOrigin {
            setting: Setting::Text(entry),
            origin,
        }) => Some((entry, origin)),
        _ => None,
    };
    let command = match tree.leaf("command") {
        Some(SettingWithOrigin {
            setting: Setting::Texts(command),
            origin,
        }) => Some((command, origin)),
        _ => None,
    };
    match (entry, command) {
        (Some((_, origin)), Some((_, other))) => {
            problems.push(
                Diagnostic::error(
                    "two-programs",
                    format!(
                        "{}both `process.entry` and `process.command` ({other}) are set",
                        origin.prefix()
                    ),
                )
                .at(origin.place())
                .hint("`entry` is a file for Node, `command` is any other program: keep one"),
            );
            (None, false)
        }
        (None, Some((command, origin))) => {
            if command.first().is_some_and(String::is_empty) {
                problems.push(
                    Diagnostic::error(
                        "invalid-value",
                        format!(
                            "{}`process.command`: the program's name is empty",
                            origin.prefix()
                        ),
                    )
                    .at(origin.place())
                    .hint("write `[PROGRAM, ARGUMENT, …]`"),
                );
                return (None, false);
            }
            (Some(Program::Command(command.clone())), false)
        }
        (Some((entry, origin)), None) => match entry_point::resolve_configured(root, dir, entry) {
            Ok(entry) => (Some(Program::Node { entry }), false),
            Err(problem) => {
                let message = format!("{}{}", origin.prefix(), problem.message);
                problems.push(Diagnostic { message, ..problem }.at(origin.place()));
                (None, false)
            }
        },
        (None, None) => match entry_point::detect(root, found) {
            Ok(Some(entry)) => (Some(Program::Node { entry }), true),
            Ok(None) => (Some(Program::NoProcess), false),
            Err(problem) => {
                problems.push(problem);
                (None, false)
            }
        },
    }
}

impl DomainBuilder {
    /// Whether there may be something to start: a mistake that was reported isn't held against
    /// those who depend on it.
    pub(crate) fn may_have_process(&self) -> bool {
        self.program != Some(Program::NoProcess)
    }

    /// Where a setting is written.
    pub(crate) fn origin(&self, path: &str) -> Option<&Origin> {
        self.tree.leaf(path).map(|leaf| &leaf.origin)
    }

    /// The effective settings with their origins.
    pub(crate) fn show(&self, root: &Path) -> Value {
        let relative =
            |path: &Path| json!(path.strip_prefix(root).unwrap_or(path).to_string_lossy());
        let mut process = self.tree.show();
        if let (true, Some(Program::Node { entry })) = (self.discovered, &self.program) {
            process["entry"] = leaf_json(relative(entry), "discovered");
        }
        if process.get("cwd").is_none() {
            process["cwd"] = leaf_json(relative(&self.process.cwd), "default");
        }
        if let Some(Value::Object(env)) = process.get_mut("env") {
            for (name, leaf) in env {
                if is_secret_name(name) {
                    leaf["value"] = json!("***");
                    leaf["masked"] = json!(true);
                }
            }
        }
        json!({ "name": self.name, "dir": relative(&self.dir), "process": process })
    }

    /// The finished domain; only for drafts without mistakes.
    pub(crate) fn build(self) -> Domain {
        Domain {
            name: self.name,
            dir: self.dir,
            program: self.program.unwrap_or(Program::NoProcess),
            process: self.process,
        }
    }
}

/// Reports a dependency or a member that no domain has the name of.
pub(crate) fn unknown_domain<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    setting: &str,
    origin: &Origin,
) -> Diagnostic {
    let problem = Diagnostic::error(
        "unknown-domain",
        format!(
            "{}`{setting}`: there is no domain {}",
            origin.prefix(),
            quoted(name)
        ),
    )
    .at(origin.place());
    match crate::suggest::closest(name, known.clone()) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(format!(
            "the domains are {}",
            known.collect::<Vec<_>>().join(", ")
        )),
    }
}
