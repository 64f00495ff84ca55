//! The packages that the code of a domain imports, whether they are installed or not.

use std::collections::BTreeSet;
use std::path::Path;

use super::resolver::{ImportResolver, NodeResolution, is_path};
use super::scan::{ScanRequest, Walker};

/// The names of the packages that an entry and the files behind it import. Files with errors import
/// nothing: the error is reported when they are prepared.
pub(in crate::prepare) fn imported_packages(entry: &Path, cache: &Path) -> BTreeSet<String> {
    let Ok(entry) = entry.canonicalize() else {
        return BTreeSet::new();
    };
    let resolution = NodeResolution::default();
    let request = ScanRequest {
        entry: &entry,
        cwd: None,
        cache,
        resolution: &resolution,
        lower_using: false,
        is_lenient: true,
    };
    let resolver = ImportResolver::new(&resolution);
    let files = Walker::new(&request, &resolver).walk().unwrap_or_default();
    let loaded = files.iter().filter_map(|file| file.result.as_ref().ok());
    let imports = loaded.flat_map(|loaded| &loaded.source.info.imports);
    imports
        .filter(|import| !import.spawned)
        .filter_map(|import| package_name(&import.specifier))
        .map(str::to_owned)
        .collect()
}

/// The package of a specifier such as `left-pad/lib/a.js` or `@scope/name`; `None` if it is a path, a
/// name of Node's own modules, or a URL.
pub(super) fn package_name(specifier: &str) -> Option<&str> {
    if is_path(specifier) || specifier.starts_with('#') || specifier.contains(':') {
        return None;
    }
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    let end = specifier.match_indices('/').nth(parts - 1);
    Some(end.map_or(specifier, |(at, _)| &specifier[..at]))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn packages_behind_other_files_are_found_and_types_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write(
            "domain.ts",
            "import type {A} from 'only-types';\nimport { b } from './b.js';\nb();\nimport 'node:fs';\n",
        );
        write(
            "b.ts",
            "import pad from 'left-pad/lib/pad.js';\nexport const b = () => { pad(); return import('@s/late'); };\n",
        );
        let names = imported_packages(&dir.path().join("domain.ts"), &dir.path().join("cache"));
        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            ["@s/late", "left-pad"]
        );
    }
}
