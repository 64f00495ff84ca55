//! The files of the repository, as text.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Directories that are made, not written.
const SKIPPED: [&str; 6] = [
    ".git",
    ".fulcrum",
    ".venv",
    "__pycache__",
    "node_modules",
    "target",
];

/// A text file of the repository.
pub(super) struct File {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// Every text file below `root`, ordered by path. Binary files are left out.
///
/// # Errors
/// A directory or file that cannot be read.
pub(super) fn files(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)
            .with_context(|| format!("cannot read {}", directory.display()))?
        {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            // In a further worktree `.git` is a file.
            if SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                continue;
            }
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file() {
                let bytes =
                    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let Ok(text) = String::from_utf8(bytes) else {
                    continue;
                };
                let path = path
                    .strip_prefix(root)
                    .unwrap_or(&path)
                    .to_string_lossy()
                    .into_owned();
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The directories at the top that hold something, ordered by name.
pub(super) fn top_level(files: &[File]) -> Vec<&str> {
    let mut directories: Vec<_> = files
        .iter()
        .filter_map(|file| Some(file.path.split_once('/')?.0))
        .collect();
    directories.dedup();
    directories
}
