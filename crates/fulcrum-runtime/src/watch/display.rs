//! Files in words.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// As many are named; of more only the first.
const NAMED: usize = 3;

/// `src/price.ts`, `a.js, b.js`, `a.js and 41 more`: relative to the nearest of `bases`.
pub(crate) fn display_files(files: &BTreeSet<PathBuf>, bases: &[&Path]) -> String {
    let mut names: Vec<String> = files
        .iter()
        .take(NAMED)
        .map(|path| display_file(path, bases))
        .collect();
    if files.len() > NAMED {
        names.truncate(1);
        return format!("{} and {} more", names.concat(), files.len() - 1);
    }
    names.join(", ")
}

/// A file relative to the first of `bases` that it is in.
pub(crate) fn display_file(path: &Path, bases: &[&Path]) -> String {
    let relative = bases.iter().find_map(|base| path.strip_prefix(base).ok());
    relative.unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_files_are_named_and_more_are_counted() {
        let bases = [Path::new("/app/domains/users"), Path::new("/app")];
        let shown =
            |paths: &[&str]| display_files(&paths.iter().map(PathBuf::from).collect(), &bases);
        assert_eq!(shown(&["/app/domains/users/src/a.ts"]), "src/a.ts");
        let two = ["/app/shared/b.ts", "/other/c.ts"];
        assert_eq!(shown(&two), "shared/b.ts, /other/c.ts");
        let many = ["/app/a", "/app/b", "/app/c", "/app/d"];
        assert_eq!(shown(&many), "a and 3 more");
    }
}
