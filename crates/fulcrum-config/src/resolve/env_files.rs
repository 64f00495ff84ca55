//! `env_file` as typed settings: the files, and their variables now.

use std::collections::BTreeMap;
use std::path::Path;

use super::reader::SettingsReader;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::file::normalize;
use crate::process::EnvFile;
use crate::setting::{EnvFileEntry, Setting};

/// What variables of files are compared with.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    /// The environment that domains inherit.
    pub(crate) inherited: &'a BTreeMap<String, String>,
    /// Whether a file replaces what is inherited.
    pub(crate) files_override: bool,
}

/// How many variables a warning names.
const MAX_NAMED: usize = 5;

/// The environment files and their variables; later files take precedence.
pub(super) fn read(
    settings: &SettingsReader<'_>,
    root: &Path,
    environment: &Environment<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Vec<EnvFile>, BTreeMap<String, String>) {
    let (mut files, mut variables) = (Vec::new(), BTreeMap::new());
    let Some(leaf) = settings.leaf("env_file") else {
        return (files, variables);
    };
    let entries = match &leaf.setting {
        Setting::EnvFiles(entries) => entries.as_slice(),
        _ => &[],
    };
    for EnvFileEntry {
        path: text,
        required,
    } in entries
    {
        let path = leaf.origin.dir(root).join(text);
        let normal = normalize(&path);
        let display_path = normal.strip_prefix(root).unwrap_or(&normal);
        if path.is_file() {
            match crate::env_file::read(&path, display_path) {
                Ok(read) => {
                    diagnostics.extend(read.warnings);
                    diagnostics.extend(replaced(&read.variables, environment, display_path));
                    variables.extend(read.variables);
                }
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        } else if *required || path.symlink_metadata().is_ok() {
            let message = format!("no such file: {}", quoted(text));
            diagnostics.push(
                settings
                    .diagnostic("env_file", Code::MissingEnvFile, message)
                    .hint(missing_hint(root, &path, display_path)),
            );
        }
        files.push(EnvFile {
            path,
            required: *required,
        });
    }
    (files, variables)
}

/// How to get the file: from the example that is checked in beside it, if there is one.
fn missing_hint(root: &Path, path: &Path, display_path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let examples = [
        format!("{name}.example"),
        format!("{name}.sample"),
        format!("{name}.template"),
        format!("{name}.dist"),
        ".env.example".to_owned(),
    ];
    let example = examples
        .iter()
        .map(|example| path.with_file_name(example))
        .find(|example| example.is_file());
    let target = display_path.display();
    match example {
        Some(example) => {
            let example = example.strip_prefix(root).unwrap_or(&example);
            format!("copy the example: `cp {} {target}`", example.display())
        }
        None => format!(
            "create `{target}`, or write `{{path: …, required: false}}`; paths are relative to the directory of the configuration file"
        ),
    }
}

/// The warning for variables of the shell that a file replaces.
fn replaced(
    variables: &BTreeMap<String, String>,
    environment: &Environment<'_>,
    file: &Path,
) -> Option<Diagnostic> {
    if !environment.files_override {
        return None;
    }
    let is_replaced = |(name, value): &(&String, &String)| {
        let inherited = environment.inherited.get(*name);
        inherited.is_some_and(|inherited| inherited != *value)
    };
    let names: Vec<String> = variables
        .iter()
        .filter(is_replaced)
        .map(|(name, _)| name.clone())
        .collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    let mut listed = names.get(..MAX_NAMED.min(names.len()))?.join(", ");
    if listed.is_empty() {
        return None;
    }
    if more > 0 {
        listed = format!("{listed} and {more} more");
    }
    let message = format!("replaces {listed} of the environment that fulcrum was started with");
    Some(
        Diagnostic::warning(Code::ReplacedVariable, message)
            .in_file(file)
            .hint("to keep those of the environment, set `runtime.env_override: false`"),
    )
}
