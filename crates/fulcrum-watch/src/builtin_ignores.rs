//! Names that are always ignored.

use std::ffi::OsStr;

/// Directories that are neither watched nor scanned, below the root of a watched directory.
const IGNORED_DIRS: [&str; 20] = [
    // Packages
    "node_modules",
    ".pnpm-store",
    ".yarn",
    // Repositories
    ".git",
    ".hg",
    ".jj",
    ".svn",
    // Fulcrum
    ".fulcrum",
    // Build output
    "dist",
    "coverage",
    ".cache",
    ".next",
    ".nuxt",
    ".nyc_output",
    ".parcel-cache",
    ".svelte-kit",
    ".turbo",
    ".vite",
    ".idea",
    "__pycache__",
];

/// Whether a directory of this name is ignored.
pub(crate) fn is_ignored_dir(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| IGNORED_DIRS.contains(&name))
}

/// Whether a file of this name is ignored: an editor's temporary file, a log, a list of ignored
/// files.
pub(crate) fn is_ignored_file(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let starts_with = |with: &[&str]| with.iter().any(|start| name.starts_with(start));
    let ends_with = |with: &[&str]| with.iter().any(|end| name.ends_with(end));
    // Backups (`file~`), Emacs (`.#file`, `#file#`), LibreOffice, GNOME, NFS, JetBrains, Chrome.
    ends_with(&[
        "~",
        ".tmp",
        ".log",
        ".crswap",
        ".kate-swp",
        "___jb_tmp___",
        "___jb_old___",
    ]) || starts_with(&[".#", ".~lock.", ".goutputstream-", ".nfs"])
        || (name.starts_with('#') && name.ends_with('#') && name.len() > 1)
        || matches!(name, ".gitignore" | ".DS_Store" | "Thumbs.db")
        || is_vim_swap(name)
        || is_vim_probe(name)
        || is_database(name)
}

/// A database of one file, or what belongs to it while it is open. Programs write them all the time.
fn is_database(name: &str) -> bool {
    const EXTENSIONS: [&str; 6] = ["db", "db3", "sqlite", "sqlite3", "mdb", "rdb"];
    let beside = ["-wal", "-shm", "-journal"];
    let name = beside
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// `.file.swp`; if that exists already, `.swo`, `.swn` and so on.
fn is_vim_swap(name: &str) -> bool {
    name.starts_with('.')
        && name
            .rsplit_once('.')
            .is_some_and(|(_, end)| matches!(end.as_bytes(), [b's', b'w', b'a'..=b'z']))
}

/// Vim checks whether a directory is writable with a file `4913`; if that exists already, it adds
/// 123.
fn is_vim_probe(name: &str) -> bool {
    name.parse::<u32>()
        .is_ok_and(|number| (4913..10_000).contains(&number) && (number - 4913) % 123 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_of_editors_are_ignored() {
        for name in [
            "shop.db",
            "shop.sqlite3-wal",
            "4913",
            "5036",
            "a.ts~",
            ".a.ts.swp",
            ".a.ts.swo",
            ".a.ts.swx",
            ".#a.ts",
            "#a.ts#",
            "a.ts___jb_tmp___",
            "a.ts___jb_old___",
            ".goutputstream-X1Y2Z3",
            "out.log",
            ".DS_Store",
        ] {
            assert!(is_ignored_file(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn sources_and_settings_are_not_ignored() {
        for name in [
            "a.ts",
            ".env",
            ".env.local",
            "fulcrum.yml",
            "404",
            "4914",
            "#",
            "swp",
            ".swift",
            "log.js",
        ] {
            assert!(!is_ignored_file(OsStr::new(name)), "{name}");
        }
        assert!(!is_ignored_dir(OsStr::new("src")));
    }
}
