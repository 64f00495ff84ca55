//! Node versions as people write them: `22`, `v20.11`, `>=22`, `lts/jod`, `lts/-1`.

use nodejs_semver::{Range, Version};

/// Codenames of long-term support releases, with their major versions. The last one is the newest that
/// this version of Fulcrum knows. Source: the release schedule of Node.
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

/// Names for whatever Node there is.
const ANY: [&str; 7] = [
    "node", "stable", "current", "latest", "system", "default", "*",
];

/// A set of versions.
#[derive(Debug, Clone)]
pub(super) enum VersionRange {
    /// Any version, pre-releases included.
    Any,
    Range(Range),
}

impl VersionRange {
    /// Whether the set contains a version.
    pub(super) fn satisfies(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::Range(range) => range.satisfies(version),
        }
    }

    /// Parses a version as version managers and package managers understand it; `None` if it is none.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        let lower = raw.trim().to_ascii_lowercase();
        // mise: `latest:20`, `prefix:20`.
        let lower = ["latest:", "prefix:"]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix))
            .unwrap_or(&lower);
        if ANY.contains(&lower) {
            return Some(Self::Any);
        }
        let lts = ["lts/", "lts-", "lts:"]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix));
        let text = match lts.or((lower == "lts").then_some("*")) {
            Some(name) => lts_range(name)?,
            None => lower
                .trim_start_matches("node-")
                .trim_start_matches("node@")
                .trim_start_matches("iojs-")
                // A list of conditions, of which all apply.
                .replace(',', " "),
        };
        if text.trim().is_empty() {
            return None;
        }
        Range::parse(&text).ok().map(Self::Range)
    }
}

/// Releases that get a name of a version, newest long-term support first.
const MAJORS: [u64; 16] = [
    24, 22, 20, 26, 28, 30, 25, 23, 21, 27, 29, 31, 32, 33, 34, 35,
];

/// Later than any minor version of a release, and any patch of one.
const LAST: u64 = 60;

impl VersionRange {
    /// A version of the set that every version manager can install: a release such as `22`, or a
    /// minor version of one. `None` for a set that contains no such version.
    pub(super) fn installable(&self) -> Option<String> {
        let contains = |major, minor, patch| self.satisfies(&Version::from((major, minor, patch)));
        if let Some(major) = MAJORS.iter().find(|major| contains(**major, LAST, LAST)) {
            return Some(major.to_string());
        }
        MAJORS.iter().find_map(|major| {
            let minors = (0..LAST).rev();
            let mut versions =
                minors.flat_map(|minor| (0..LAST).rev().map(move |patch| (minor, patch)));
            let (minor, patch) =
                versions.find(|(minor, patch)| contains(*major, *minor, *patch))?;
            Some(match patch + 1 {
                LAST => format!("{major}.{minor}"),
                _ => format!("{major}.{minor}.{patch}"),
            })
        })
    }
}

/// The range of `lts/NAME`: `*`, a codename, or `-1` for the release before the newest one.
fn lts_range(name: &str) -> Option<String> {
    if matches!(name, "*" | "latest") {
        // Even major versions get long-term support, and each from 27 on.
        let even = (4..=26).step_by(2).map(|major| format!("{major}.x"));
        return Some(format!("{} || >=27", even.collect::<Vec<_>>().join(" || ")));
    }
    if let Some(back) = name.strip_prefix('-') {
        let back: usize = back.parse().ok()?;
        let index = CODENAMES.len().checked_sub(1 + back)?;
        return Some(format!("{}.x", CODENAMES.get(index)?.1));
    }
    let found = CODENAMES.iter().find(|(codename, _)| *codename == name);
    found.map(|(_, major)| format!("{major}.x"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(raw: &str, version: &str) -> bool {
        let range = VersionRange::parse(raw).unwrap_or_else(|| panic!("{raw} is unknown"));
        range.satisfies(&Version::parse(version).unwrap())
    }

    #[test]
    fn versions_and_names_are_parsed() {
        for (raw, inside, outside) in [
            ("20", "20.20.2", "22.1.0"),
            ("v20.11", "20.11.3", "20.12.0"),
            ("v22.18.0", "22.18.0", "22.18.1"),
            ("node-22", "22.1.0", "24.1.0"),
            ("latest:22", "22.9.0", "24.0.0"),
            ("lts/*", "24.1.0", "23.1.0"),
            ("lts/*", "27.0.0", "25.0.0"),
            ("lts", "20.1.0", "21.1.0"),
            ("lts/Iron", "20.20.2", "22.20.2"),
            ("lts-jod", "22.1.0", "20.1.0"),
            ("lts/-1", "22.1.0", "24.1.0"),
            ("lts/-2", "20.1.0", "22.1.0"),
        ] {
            assert!(accepts(raw, inside), "{raw} has {inside}");
            assert!(!accepts(raw, outside), "{raw} has no {outside}");
        }
        assert!(accepts("node", "27.0.0-nightly1"));
    }

    #[test]
    fn ranges_are_parsed() {
        for (raw, inside, outside) in [
            (">=22", "26.1.0", "20.1.0"),
            (">22.0.0, <24", "22.0.1", "24.0.0"),
            (">= 20.1 < 21", "20.9.0", "21.0.0"),
            ("^20.1 || >=24", "24.3.0", "22.0.0"),
            ("20.x", "20.0.0", "22.0.0"),
        ] {
            assert!(accepts(raw, inside), "{raw} has {inside}");
            assert!(!accepts(raw, outside), "{raw} has no {outside}");
        }
    }

    #[test]
    fn a_range_has_a_version_that_can_be_installed() {
        for (raw, expected) in [
            (">=22", "24"),
            ("22", "22"),
            (">22.0.0, <24", "22"),
            (">=20.19 <22 || >=23", "24"),
            ("lts/-1", "22"),
            ("lts/jod", "22"),
            ("*", "24"),
            ("~22.12", "22.12"),
            ("22.12.3", "22.12.3"),
            ("23.x", "23"),
            (">=21.1 <=21.4.0", "21.4.0"),
        ] {
            let range = VersionRange::parse(raw).expect(raw);
            assert_eq!(range.installable().as_deref(), Some(expected), "{raw}");
        }
        let ancient = VersionRange::parse("0.12").expect("a version");
        assert_eq!(ancient.installable(), None);
    }

    #[test]
    fn other_words_are_no_version() {
        for raw in [
            "lts/nonsense",
            "twenty",
            "lts/-40",
            "",
            "ref:main",
            "path:/opt/node",
        ] {
            assert!(VersionRange::parse(raw).is_none(), "{raw}");
        }
    }
}
