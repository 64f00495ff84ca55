//! Where packages are installed, and with which package manager: looked for from a domain's directory
//! up to the root of the repository, as the package managers themselves do.

use std::fs;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use serde_json::Value;

use super::manager::{LOCK_FILES, PackageManager};
use crate::StartError;
use crate::prepare::files::ancestors_until;
use crate::prepare::package_json::PackageJson;
use crate::prepare::typescript::surroundings::is_repository_root;

/// Reads a YAML text as JSON; `None` if it is invalid. The caller has the YAML parser.
pub type YamlReader = fn(&str) -> Option<Value>;

/// The workspace file of pnpm.
const PNPM_WORKSPACE: &str = "pnpm-workspace.yaml";

/// The settings of Yarn 2 and later.
const YARN_SETTINGS: &str = ".yarnrc.yml";

/// The directory in which a package manager has to run for a package.
#[derive(Debug, Clone)]
pub(super) struct InstallRoot {
    pub(super) dir: PathBuf,
    pub(super) manager: PackageManager,
    /// Nothing tells which Yarn the app uses, such as an empty lock file: any will do.
    pub(super) is_any_yarn: bool,
    /// The version of the package manager that `packageManager` or `devEngines` names.
    pub(super) version: Option<String>,
    /// A workspace of this package manager above `dir` that does not include it.
    pub(super) foreign_workspace: Option<PathBuf>,
    /// Yarn's own program in the repository: `yarnPath`.
    pub(super) yarn_path: Option<PathBuf>,
}

/// The `package.json` that lists a domain's packages: the nearest one, up to the root of the app, or
/// to that of the repository which contains it.
pub(super) fn find_package_json(
    domain_dir: &Path,
    app_root: &Path,
) -> Result<Option<PackageJson>, StartError> {
    PackageJson::nearest(domain_dir, repository_root(app_root).unwrap_or(app_root))
}

/// Finds the install root of a package: the nearest workspace upward that includes it, as for the
/// package managers, or else the package itself. A lock file in a member of a workspace says nothing.
pub(super) fn find_install_root(
    package: &PackageJson,
    app_root: &Path,
    yaml: YamlReader,
) -> Result<InstallRoot, StartError> {
    let own = package.dir();
    let repository = repository_root(own);
    // A workspace names its members, so without a repository it may be anywhere above.
    let top = repository.unwrap_or(Path::new("/"));
    let mut root = (own.to_path_buf(), package.clone());
    let mut outside = Vec::new();
    for dir in ancestors_until(own, top).filter(|dir| *dir != own) {
        let candidate = PackageJson::in_dir(dir)?.unwrap_or_default();
        let Some(patterns) = workspace_patterns(dir, &candidate, yaml) else {
            continue;
        };
        if includes(&patterns, own.strip_prefix(dir).ok()) {
            root = (dir.to_path_buf(), candidate);
            break;
        }
        outside.push(dir.to_path_buf());
    }
    let (dir, root_package) = root;
    // Other files than workspaces say nothing outside of the app or its repository.
    let top = repository.unwrap_or(app_root);
    let mut evidence = evidence(&dir, &root_package);
    if evidence.is_none() {
        for above in ancestors_until(&dir, top).filter(|above| *above != dir) {
            let package = PackageJson::in_dir(above)?.unwrap_or_default();
            evidence = self::evidence(above, &package);
            if evidence.is_some() {
                break;
            }
        }
    }
    let evidence = evidence.unwrap_or(Evidence::of(PackageManager::Npm));
    let manager = evidence.manager;
    let foreign_workspace = outside
        .into_iter()
        .find(|above| dir.starts_with(above) && *above != dir);
    let yarn_path = (manager == PackageManager::YarnBerry)
        .then(|| yarn_path(&dir, top, yaml))
        .flatten();
    Ok(InstallRoot {
        dir,
        manager,
        is_any_yarn: evidence.is_any_yarn,
        version: evidence.version,
        foreign_workspace,
        yarn_path,
    })
}

/// The root of the repository that contains a directory.
pub(super) fn repository_root(dir: &Path) -> Option<&Path> {
    dir.ancestors().find(|dir| is_repository_root(dir))
}

/// What a directory shows.
struct Evidence {
    manager: PackageManager,
    /// See [`InstallRoot::is_any_yarn`].
    is_any_yarn: bool,
    version: Option<String>,
}

impl Evidence {
    fn of(manager: PackageManager) -> Self {
        Self {
            manager,
            is_any_yarn: false,
            version: None,
        }
    }
}

/// The package manager that a directory shows: by the fields `packageManager` and
/// `devEngines.packageManager`, pnpm's workspace file, a lock file, or Yarn's settings.
fn evidence(dir: &Path, package: &PackageJson) -> Option<Evidence> {
    let mut locks = LOCK_FILES.iter().map(|name| dir.join(name));
    let lock = locks.find(|path| path.is_file());
    let by_lock = lock.as_deref().and_then(PackageManager::of_lock);
    // A lock file without text may become that of any Yarn; the settings are those of Yarn 2.
    let has_yarn_settings = dir.join(YARN_SETTINGS).is_file();
    let yarn = || match by_lock {
        Some(PackageManager::YarnClassic) => Evidence::of(PackageManager::YarnClassic),
        Some(PackageManager::YarnBerry) => Evidence::of(PackageManager::YarnBerry),
        _ => Evidence {
            is_any_yarn: !has_yarn_settings,
            ..Evidence::of(PackageManager::YarnBerry)
        },
    };
    if let Some((name, version)) = package.named_manager() {
        if name == "yarn" && version.is_none() {
            return Some(yarn());
        }
        if let Some(manager) = PackageManager::named(&name, version.as_deref()) {
            return Some(Evidence {
                version,
                ..Evidence::of(manager)
            });
        }
    }
    if dir.join(PNPM_WORKSPACE).is_file() {
        return Some(Evidence::of(PackageManager::Pnpm));
    }
    if lock.is_some() {
        return Some(by_lock.map_or_else(yarn, Evidence::of));
    }
    has_yarn_settings.then(|| Evidence::of(PackageManager::YarnBerry))
}

/// The workspace patterns of a directory: those of npm, Yarn and Bun, those of pnpm, and those of
/// Deno; `None` if it is no workspace.
fn workspace_patterns(dir: &Path, package: &PackageJson, yaml: YamlReader) -> Option<Vec<String>> {
    let list = match &package.workspaces {
        Value::Object(map) => map.get("packages").cloned(),
        Value::Null => None,
        other => Some(other.clone()),
    };
    let pnpm = read_yaml(&dir.join(PNPM_WORKSPACE), yaml).map(|file| file["packages"].clone());
    let deno = ["deno.json", "deno.jsonc"]
        .into_iter()
        .filter_map(|name| fs::read_to_string(dir.join(name)).ok())
        // JSON with comments is YAML but for the comments, and a workspace list rarely has one.
        .find_map(|text| yaml(&text))
        .map(|file| match &file["workspace"] {
            Value::Object(map) => map.get("members").cloned().unwrap_or_default(),
            other => other.clone(),
        });
    let lists = [list, pnpm, deno].into_iter().flatten();
    let mut is_workspace = false;
    let mut patterns = Vec::new();
    for list in lists {
        let texts = list.as_array().into_iter().flatten();
        is_workspace |= list.is_array();
        patterns.extend(texts.filter_map(Value::as_str).map(str::to_owned));
    }
    is_workspace.then_some(patterns)
}

/// Whether the patterns include a directory: the last one that matches decides, and one that starts
/// with `!` excludes.
fn includes(patterns: &[String], dir: Option<&Path>) -> bool {
    let mut included = false;
    for pattern in patterns {
        let (pattern, includes) = match pattern.strip_prefix('!') {
            Some(rest) => (rest, false),
            None => (pattern.as_str(), true),
        };
        if matches(pattern, dir) {
            included = includes;
        }
    }
    included
}

/// Whether a workspace pattern matches a directory: `*` is one name, `**` any number of them.
fn matches(pattern: &str, dir: Option<&Path>) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.is_ok_and(|glob| dir.is_some_and(|dir| glob.compile_matcher().is_match(dir)))
}

/// The program that `yarnPath` of the nearest settings names.
fn yarn_path(dir: &Path, top: &Path, yaml: YamlReader) -> Option<PathBuf> {
    ancestors_until(dir, top).find_map(|dir| {
        let settings = read_yaml(&dir.join(YARN_SETTINGS), yaml)?;
        let program = dir.join(settings["yarnPath"].as_str()?);
        program.is_file().then_some(program)
    })
}

fn read_yaml(path: &Path, yaml: YamlReader) -> Option<Value> {
    yaml(&fs::read_to_string(path).ok()?)
}
