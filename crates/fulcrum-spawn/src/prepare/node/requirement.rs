//! The Node version that a directory requires: `.nvmrc`, `.node-version` or `engines.node`.

use std::fs;
use std::path::{Path, PathBuf};

use nodejs_semver::Range;

use crate::StartError;
use crate::prepare::files::ancestors_until;
use crate::prepare::package_json::PackageJson;

/// Codenames of long-term support releases, for `lts/iron` in `.nvmrc`, with their major versions.
/// Source: the release schedule of Node.
const CODENAMES: &[(&str, u32)] = &[
    ("argon", 4),
    ("boron", 6),
    ("carbon", 8),
    ("dubnium", 10),
    ("erbium", 12),
    ("fermium", 14),
    ("gallium", 16),
    ("hydrogen", 18),
    ("iron", 20),
    ("jod", 22),
    ("krypton", 24),
];

/// A version requirement, and the file that contains it.
#[derive(Debug, Clone)]
pub(super) struct VersionRequirement {
    pub(super) file: PathBuf,
    /// As it is written in the file.
    pub(super) raw: String,
    pub(super) range: Range,
}

/// The requirement nearest to the domain: `.nvmrc` or `.node-version` from its directory upward to
/// the app root, else `engines.node` of the nearest `package.json`.
pub(super) fn find(
    domain_dir: &Path,
    app_root: &Path,
) -> Result<Option<VersionRequirement>, StartError> {
    for dir in ancestors_until(domain_dir, app_root) {
        for name in [".nvmrc", ".node-version"] {
            let file = dir.join(name);
            if let Ok(text) = fs::read_to_string(&file) {
                return from_version_file(file, &text);
            }
        }
    }
    let Some(package) = PackageJson::nearest(domain_dir, app_root)? else {
        return Ok(None);
    };
    let Some(raw) = package.engines_node() else {
        return Ok(None);
    };
    let range = Range::parse(raw).map_err(|error| {
        StartError::permanent(format!(
            "{}: engines.node is not a version range: {raw:?}: {error}",
            package.path.display()
        ))
        .hint("write a range such as \">=20.13\"")
    })?;
    Ok(Some(VersionRequirement {
        raw: raw.to_owned(),
        file: package.path,
        range,
    }))
}

fn from_version_file(file: PathBuf, text: &str) -> Result<Option<VersionRequirement>, StartError> {
    let raw = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        // nvm also reads `key=value` settings from this file.
        .find(|line| !line.is_empty() && !line.contains('='));
    let Some(raw) = raw else {
        return Ok(None);
    };
    match parse(raw) {
        ParsedRequirement::Any => Ok(None),
        ParsedRequirement::Range(range) => Ok(Some(VersionRequirement {
            file,
            raw: raw.to_owned(),
            range,
        })),
        ParsedRequirement::Unknown => Err(StartError::permanent(format!(
            "{}: unknown Node version {raw:?}",
            file.display()
        ))
        .hint("write a version such as 20, 22.18.0, lts/* or lts/jod")),
    }
}

enum ParsedRequirement {
    /// Any version, such as `node`.
    Any,
    Range(Range),
    Unknown,
}

fn parse(raw: &str) -> ParsedRequirement {
    let lower = raw.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "node" | "stable" | "current" | "latest" | "system" | "default"
    ) {
        return ParsedRequirement::Any;
    }
    let text = match lower
        .strip_prefix("lts/")
        .or((lower == "lts").then_some("*"))
    {
        // Even major versions get long-term support.
        Some("*" | "latest") => (4..=60)
            .step_by(2)
            .map(|major| format!("{major}.x"))
            .collect::<Vec<_>>()
            .join(" || "),
        Some(name) => match CODENAMES.iter().find(|(codename, _)| *codename == name) {
            Some((_, major)) => format!("{major}.x"),
            None => return ParsedRequirement::Unknown,
        },
        None => lower
            .trim_start_matches("node-")
            .trim_start_matches("iojs-")
            .to_owned(),
    };
    Range::parse(&text).map_or(ParsedRequirement::Unknown, ParsedRequirement::Range)
}

#[cfg(test)]
mod tests {
    use nodejs_semver::Version;

    use super::*;

    fn accepts(raw: &str, version: &str) -> bool {
        match parse(raw) {
            ParsedRequirement::Any => true,
            ParsedRequirement::Range(range) => range.satisfies(&Version::parse(version).unwrap()),
            ParsedRequirement::Unknown => panic!("{raw} is unknown"),
        }
    }

    #[test]
    fn the_forms_of_nvmrc_are_parsed() {
        assert!(accepts("20", "20.20.2") && !accepts("20", "22.1.0"));
        assert!(accepts("v20.11", "20.11.3") && !accepts("v20.11", "20.12.0"));
        assert!(accepts("v22.18.0", "22.18.0") && !accepts("v22.18.0", "22.18.1"));
        assert!(accepts("lts/*", "24.1.0") && !accepts("lts/*", "23.1.0"));
        assert!(accepts("lts/Iron", "20.20.2") && !accepts("lts/iron", "22.20.2"));
        assert!(accepts("node", "23.0.0"));
        assert!(matches!(parse("lts/nonsense"), ParsedRequirement::Unknown));
        assert!(matches!(parse("twenty"), ParsedRequirement::Unknown));
    }

    #[test]
    fn the_nearest_file_takes_precedence_over_engines() {
        let app = tempfile::tempdir().unwrap();
        let domain = app.path().join("domains/a");
        fs::create_dir_all(&domain).unwrap();
        fs::write(
            domain.join("package.json"),
            r#"{"engines":{"node":">=18"}}"#,
        )
        .unwrap();
        assert_eq!(find(&domain, app.path()).unwrap().unwrap().raw, ">=18");
        fs::write(app.path().join(".nvmrc"), "# ours\n\n  22 # jod\n").unwrap();
        assert_eq!(find(&domain, app.path()).unwrap().unwrap().raw, "22");
        fs::write(domain.join(".node-version"), "20.20.2\n").unwrap();
        let nearest = find(&domain, app.path()).unwrap().unwrap();
        assert_eq!(
            (nearest.raw.as_str(), nearest.file),
            ("20.20.2", domain.join(".node-version"))
        );
        fs::write(domain.join(".node-version"), "what?").unwrap();
        assert!(
            find(&domain, app.path())
                .unwrap_err()
                .message
                .contains(".node-version")
        );
    }
}
