//! The Node version that a directory requires, and what follows if it is not there.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::origin::NodeOrigin;
use super::version_file::{VERSION_FILES, VersionText, read_text, version_text};
use super::version_range::VersionRange;
use crate::StartError;
use crate::prepare::files::ancestors_until;
use crate::prepare::package_json::PackageJson;
use crate::prepare::typescript::surroundings::is_repository_root;

/// A version requirement, and what contains it.
#[derive(Debug, Clone)]
pub(super) struct VersionRequirement {
    pub(super) origin: NodeOrigin,
    pub(super) file: PathBuf,
    /// As it is written in the file.
    pub(super) raw: String,
    pub(super) range: VersionRange,
    pub(super) if_unmet: IfUnmet,
}

/// What follows if no Node satisfies a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfUnmet {
    /// The domain does not start.
    Fail,
    /// The Node in `PATH` runs it, with a warning.
    Warn,
    /// The Node in `PATH` runs it.
    Ignore,
}

/// The requirement nearest to the domain, in each directory from its own upward to the root of the
/// repository, or of the app if there is none: a version file, `volta` or `devEngines.runtime` of
/// `package.json`. Without one, `engines.node` of the nearest `package.json`, which is no more than a
/// warning unless `engine-strict` is set.
pub(super) fn find(
    domain_dir: &Path,
    app_root: &Path,
    home: Option<&Path>,
) -> Result<Option<VersionRequirement>, StartError> {
    let repository = app_root.ancestors().find(|dir| is_repository_root(dir));
    let top = repository.unwrap_or(app_root);
    for dir in ancestors_until(domain_dir, top) {
        for name in VERSION_FILES {
            let file = dir.join(name);
            if let Some(text) = read_text(&file)?
                && let Some(found) = from_version_file(&file, name, &text)?
            {
                return Ok(Some(found));
            }
        }
        if let Some(package) = PackageJson::in_dir(dir)? {
            if let Some(found) = from_volta(&package)? {
                return Ok(Some(found));
            }
            if let Some(found) = from_dev_engines(&package)? {
                return Ok(Some(found));
            }
        }
    }
    let Some(package) = PackageJson::nearest(domain_dir, app_root)? else {
        return Ok(None);
    };
    Ok(from_engines(&package, top, home))
}

fn from_version_file(
    file: &Path,
    name: &str,
    text: &str,
) -> Result<Option<VersionRequirement>, StartError> {
    let shown = file.display();
    let raw = match version_text(name, text) {
        VersionText::Nothing => return Ok(None),
        VersionText::Version(raw) => raw,
        VersionText::Invalid(why) => {
            return Err(StartError::permanent(format!("{shown}: {why}"))
                .hint("write a version such as 22, or remove the file"));
        }
    };
    let alternatives = raw.split("||").map(str::trim);
    let ranges: Option<Vec<VersionRange>> = alternatives.map(VersionRange::parse).collect();
    let range = match ranges.as_deref() {
        // Names such as `lts` are no ranges, so that several of them are not one text.
        Some([only]) => Some(only.clone()),
        Some(_) => VersionRange::parse(&raw).or_else(|| ranges?.into_iter().next()),
        None => None,
    };
    let Some(range) = range else {
        return Err(
            StartError::permanent(format!("{shown}: unknown Node version {raw:?}"))
                .hint("write a version such as 20, 22.18.0, >=22, lts/* or lts/jod"),
        );
    };
    Ok(Some(VersionRequirement {
        origin: NodeOrigin::VersionFile(file.to_path_buf()),
        file: file.to_path_buf(),
        raw,
        range,
        if_unmet: IfUnmet::Fail,
    }))
}

/// `volta.node`, also of the file that `volta.extends` names.
fn from_volta(package: &PackageJson) -> Result<Option<VersionRequirement>, StartError> {
    let mut file = package.path.clone();
    let mut volta = package.volta.clone();
    // Volta itself reports a circle.
    for _ in 0..8 {
        if let Some(raw) = volta["node"].as_str() {
            let range = parse_field(&file, "volta.node", raw)?;
            return Ok(Some(VersionRequirement {
                origin: NodeOrigin::Volta(file.clone()),
                file,
                raw: raw.to_owned(),
                range,
                if_unmet: IfUnmet::Fail,
            }));
        }
        let Some(next) = volta["extends"].as_str() else {
            return Ok(None);
        };
        file = file.parent().unwrap_or(&file).join(next);
        let Some(text) = read_text(&file)? else {
            return Ok(None);
        };
        let extended: Value = serde_json::from_str(&text).unwrap_or_default();
        volta = extended["volta"].clone();
    }
    Ok(None)
}

/// `devEngines.runtime`, if it is about Node.
fn from_dev_engines(package: &PackageJson) -> Result<Option<VersionRequirement>, StartError> {
    let field = &package.dev_engines["runtime"];
    let runtimes = field
        .as_array()
        .map_or(std::slice::from_ref(field), Vec::as_slice);
    let Some(runtime) = runtimes.iter().find(|runtime| runtime["name"] == "node") else {
        return Ok(None);
    };
    let Some(raw) = runtime["version"].as_str() else {
        return Ok(None);
    };
    let range = parse_field(&package.path, "devEngines.runtime", raw)?;
    let if_unmet = match runtime["onFail"].as_str() {
        Some("ignore") => IfUnmet::Ignore,
        Some("warn") => IfUnmet::Warn,
        // npm's default is an error; only pnpm downloads.
        _ => IfUnmet::Fail,
    };
    Ok(Some(VersionRequirement {
        origin: NodeOrigin::DevEngines(package.path.clone()),
        file: package.path.clone(),
        raw: raw.to_owned(),
        range,
        if_unmet,
    }))
}

fn parse_field(file: &Path, field: &str, raw: &str) -> Result<VersionRange, StartError> {
    VersionRange::parse(raw).ok_or_else(|| {
        let shown = file.display();
        StartError::permanent(format!(
            "{shown}: {field} is not a version of Node: {raw:?}"
        ))
        .hint("write a version such as 22.18.0, or a range such as >=20.13")
    })
}

/// `engines.node`; one that is no range is left to the package manager.
fn from_engines(
    package: &PackageJson,
    top: &Path,
    home: Option<&Path>,
) -> Option<VersionRequirement> {
    let raw = package.engines_node()?;
    let range = VersionRange::parse(raw)?;
    let if_unmet = if is_engine_strict(package.dir(), top, home) {
        IfUnmet::Fail
    } else {
        IfUnmet::Warn
    };
    Some(VersionRequirement {
        origin: NodeOrigin::Engines(package.path.clone()),
        file: package.path.clone(),
        raw: raw.to_owned(),
        range,
        if_unmet,
    })
}

/// Whether npm's setting `engine-strict` is on: in the environment, or in the nearest `.npmrc` that has
/// it, the user's being the last one.
fn is_engine_strict(dir: &Path, top: &Path, home: Option<&Path>) -> bool {
    let variables = ["npm_config_engine_strict", "NPM_CONFIG_ENGINE_STRICT"];
    if let Some(value) = variables.iter().find_map(|name| std::env::var(name).ok()) {
        return value == "true";
    }
    let files = ancestors_until(dir, top)
        .chain(home)
        .map(|dir| dir.join(".npmrc"));
    files
        .filter_map(|file| fs::read_to_string(file).ok())
        .find_map(|text| engine_strict(&text))
        .unwrap_or(false)
}

fn engine_strict(text: &str) -> Option<bool> {
    text.lines().find_map(|line| {
        let line = line.split([';', '#']).next().unwrap_or_default().trim();
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        (key.trim() == "engine-strict").then(|| value.trim().trim_matches('"') == "true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_nearest_file_takes_precedence_and_engines_come_last() {
        let app = tempfile::tempdir().unwrap();
        let domain = app.path().join("domains/a");
        let found = || find(&domain, app.path(), None).unwrap().unwrap();
        let package = domain.join("package.json");
        write(&package, r#"{"engines":{"node":">=18"}}"#);
        assert_eq!(
            (found().raw.as_str(), found().if_unmet),
            (">=18", IfUnmet::Warn)
        );
        write(&app.path().join("mise.toml"), "[tools]\nnode = '24'\n");
        assert_eq!(found().raw, "24");
        write(&app.path().join(".tool-versions"), "nodejs 23\n");
        assert_eq!(found().raw, "23");
        write(&app.path().join(".node-version"), "21\n");
        assert_eq!(found().raw, "21");
        write(&app.path().join(".nvmrc"), "22\n");
        assert_eq!(found().raw, "22");
        let engines = r#""devEngines":{"runtime":[{"name":"bun"},{"name":"node","version":"^20","onFail":"warn"}]}"#;
        write(&package, &format!("{{{engines}}}"));
        assert_eq!(
            (found().raw.as_str(), found().if_unmet),
            ("^20", IfUnmet::Warn)
        );
        write(
            &package,
            &format!(r#"{{{engines},"volta":{{"node":"20.1.0"}}}}"#),
        );
        assert_eq!(found().raw, "20.1.0");
        write(&domain.join(".node-version"), "20.20.2\n");
        assert_eq!(found().file, domain.join(".node-version"));
        write(&domain.join(".node-version"), "what?");
        let error = find(&domain, app.path(), None).unwrap_err();
        assert!(error.message.contains(".node-version"), "{error}");
    }

    #[test]
    fn files_count_up_to_the_root_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let (app, domain) = (
            root.path().join("apps/shop"),
            root.path().join("apps/shop/domains/a"),
        );
        write(&root.path().join(".nvmrc"), "22\n");
        fs::create_dir_all(&domain).unwrap();
        assert!(find(&domain, &app, None).unwrap().is_none());
        fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(find(&domain, &app, None).unwrap().unwrap().raw, "22");
    }

    #[test]
    fn volta_extends_another_file() {
        let app = tempfile::tempdir().unwrap();
        write(
            &app.path().join("base.json"),
            r#"{"volta":{"node":"22.1.0"}}"#,
        );
        write(
            &app.path().join("domains/a/package.json"),
            r#"{"volta":{"extends":"../../base.json"}}"#,
        );
        let found = find(&app.path().join("domains/a"), app.path(), None);
        assert_eq!(
            found.unwrap().unwrap().file.file_name().unwrap(),
            "base.json"
        );
    }

    #[test]
    fn engines_are_strict_if_npm_is_told_so() {
        let app = tempfile::tempdir().unwrap();
        write(
            &app.path().join("package.json"),
            r#"{"engines":{"node":">=22"}}"#,
        );
        let unmet = || {
            find(app.path(), app.path(), None)
                .unwrap()
                .unwrap()
                .if_unmet
        };
        assert_eq!(unmet(), IfUnmet::Warn);
        write(
            &app.path().join(".npmrc"),
            "audit=false\nengine-strict = true\n",
        );
        assert_eq!(unmet(), IfUnmet::Fail);
        assert_eq!(engine_strict("engine-strict=false"), Some(false));
        assert_eq!(engine_strict("; engine-strict=true"), None);
    }
}
