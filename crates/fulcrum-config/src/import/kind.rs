//! Which tool a file belongs to.

use std::fmt;
use std::path::Path;

/// A tool whose configuration can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// `ecosystem.config.js`, or its JSON or YAML.
    Pm2,
    /// `compose.yaml`.
    Compose,
    /// `process-compose.yaml`.
    ProcessCompose,
    /// A `Procfile` of foreman, Heroku and others.
    Procfile,
    /// The scripts of a `package.json`.
    PackageJson,
}

impl ImportKind {
    /// The tool by the file's name; none if the name says nothing.
    #[must_use]
    pub fn of_file(file: &Path) -> Option<Self> {
        let name = file.file_name()?.to_str()?.to_ascii_lowercase();
        let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
        if name.starts_with("procfile") || name.ends_with(".procfile") {
            Some(Self::Procfile)
        } else if name == "package.json" {
            Some(Self::PackageJson)
        } else if name.starts_with("process-compose") && is_yaml {
            Some(Self::ProcessCompose)
        } else if is_yaml && (name.starts_with("compose") || name.starts_with("docker-compose")) {
            Some(Self::Compose)
        } else if Self::is_evaluated(file)
            || name.starts_with("ecosystem.")
            || name.starts_with("pm2.")
        {
            Some(Self::Pm2)
        } else {
            None
        }
    }

    /// Whether the file is a program, whose value must be passed as
    /// [`ImportRequest::evaluated`](crate::ImportRequest::evaluated).
    #[must_use]
    pub fn is_evaluated(file: &Path) -> bool {
        let extension = file.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| ["js", "cjs", "mjs"].contains(&extension))
    }
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pm2 => "pm2",
            Self::Compose => "docker compose",
            Self::ProcessCompose => "process-compose",
            Self::Procfile => "Procfile",
            Self::PackageJson => "package.json",
        })
    }
}
