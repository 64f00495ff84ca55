//! One domain on its way: its file read, its layers merged, its program found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::value::Dict;
use serde_json::{Value, json};

use crate::app::{Domain, Program};
use crate::complete;
use crate::discover::Found;
use crate::entry;
use crate::file::{CONFIG_FILE, read_config};
use crate::layers::{self, Leaves};
use crate::lower::{Lower, Source};
use crate::problem::{Problem, quoted};
use crate::process::Process;
use crate::schema;
use crate::setting::{Leaf, Origin, Setting, Tree, shown};
use crate::toplevel::{self, Level};

/// What lies below and above a domain's own file.
pub(crate) struct Around<'a> {
    pub(crate) root: &'a Path,
    pub(crate) env: &'a BTreeMap<String, String>,
    /// Built-in defaults and the app's, merged.
    pub(crate) below: &'a Dict,
    /// Variables and flags, merged.
    pub(crate) above: &'a Dict,
}

/// A domain, perhaps with mistakes that are already reported.
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// None when what it starts can't be told because of a mistake.
    pub(crate) program: Option<Program>,
    pub(crate) process: Process,
    pub(crate) tree: Tree,
    discovered: bool,
}

/// Reads one domain and reports all that is wrong with it alone.
pub(crate) fn read(
    found: &Found,
    around: &Around<'_>,
    leaves: &mut Leaves,
    problems: &mut Vec<Problem>,
) -> Draft {
    let dir = around.root.join(&found.shown);
    let file = found.shown.join(CONFIG_FILE);
    let config = found.config.then(|| {
        read_config(
            &dir.join(CONFIG_FILE),
            &file,
            Level::Domain.section(),
            problems,
        )
    });
    let readable = !matches!(config, Some(None));
    let mut own = Dict::new();
    if let Some(root) = config.flatten() {
        toplevel::check(&root, Level::Domain, &file, problems);
        if let Some(section) = root.get("process") {
            let source = Source::File {
                file,
                folder: dir.clone(),
            };
            let mut lower = Lower {
                source,
                env: Some(around.env),
                leaves,
                problems,
            };
            own = lower.section(schema::PROCESS, &section.value, "process");
        }
    }
    let merged = layers::merge([
        ("app", around.below),
        ("domain", &own),
        ("overrides", around.above),
    ]);
    let mut tree = layers::resolve(leaves, merged);
    spare_itself(&mut tree, &found.name);
    let process = complete::process(&tree, around.root, &dir, problems);
    let (program, discovered) = if readable {
        program(found, &tree, around.root, &dir, problems)
    } else {
        (None, false)
    };
    Draft {
        name: found.name.clone(),
        dir,
        program,
        process,
        tree,
        discovered,
    }
}

/// What the app says for every domain, `depends_on: [db]`, isn't said to `db` itself.
fn spare_itself(tree: &mut Tree, name: &str) {
    let meant_for_all = complete::dependency_origins(tree)
        .get(name)
        .is_some_and(|origin| match origin {
            Origin::File { file, .. } => file.as_os_str() == CONFIG_FILE,
            Origin::Default | Origin::Variable(_) | Origin::Flag(_) => true,
        });
    if let (true, Tree::Map(settings)) = (meant_for_all, tree)
        && let Some(Tree::Map(dependencies)) = settings.get_mut("depends_on")
    {
        dependencies.remove(name);
    }
}

/// What the domain starts (none after a mistake), and whether that was found by its name.
fn program(
    found: &Found,
    tree: &Tree,
    root: &Path,
    dir: &Path,
    problems: &mut Vec<Problem>,
) -> (Option<Program>, bool) {
    let entry = match tree.leaf("entry") {
        Some(Leaf {
            setting: Setting::Text(entry),
            origin,
        }) => Some((entry, origin)),
        _ => None,
    };
    let command = match tree.leaf("command") {
        Some(Leaf {
            setting: Setting::Texts(command),
            origin,
        }) => Some((command, origin)),
        _ => None,
    };
    match (entry, command) {
        (Some((_, origin)), Some((_, other))) => {
            problems.push(
                Problem::error(
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
                    Problem::error(
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
        (Some((entry, origin)), None) => match entry::set(root, dir, entry) {
            Ok(entry) => (Some(Program::Node { entry }), false),
            Err(problem) => {
                let message = format!("{}{}", origin.prefix(), problem.message);
                problems.push(Problem { message, ..problem }.at(origin.place()));
                (None, false)
            }
        },
        (None, None) => match entry::discovered(root, found) {
            Ok(Some(entry)) => (Some(Program::Node { entry }), true),
            Ok(None) => (Some(Program::None), false),
            Err(problem) => {
                problems.push(problem);
                (None, false)
            }
        },
    }
}

impl Draft {
    /// Whether there may be something to start: a mistake that was reported isn't held against
    /// those who depend on it.
    pub(crate) fn may_have_process(&self) -> bool {
        self.program != Some(Program::None)
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
            process["entry"] = shown(relative(entry), "discovered");
        }
        if process.get("cwd").is_none() {
            process["cwd"] = shown(relative(&self.process.cwd), "default");
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
    pub(crate) fn finish(self) -> Domain {
        Domain {
            name: self.name,
            dir: self.dir,
            program: self.program.unwrap_or(Program::None),
            process: self.process,
        }
    }
}

/// Whether a variable of that name probably holds a secret, so that its value isn't shown.
///
/// A guess by the words people use: `DB_PASSWORD`, `API_KEY`, `GITHUB_TOKEN`.
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "PRIVATE",
        "APIKEY",
    ];
    let name = name.to_ascii_uppercase();
    WORDS.iter().any(|word| name.contains(word))
        || name == "KEY"
        || name.ends_with("_KEY")
        || name.ends_with("_PWD")
}

/// Reports a dependency or a member that no domain has the name of.
pub(crate) fn unknown_domain<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    setting: &str,
    origin: &Origin,
) -> Problem {
    let problem = Problem::error(
        "unknown-domain",
        format!(
            "{}`{setting}`: there is no domain {}",
            origin.prefix(),
            quoted(name)
        ),
    )
    .at(origin.place());
    match crate::suggest::nearest(name, known.clone()) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(format!(
            "the domains are {}",
            known.collect::<Vec<_>>().join(", ")
        )),
    }
}
