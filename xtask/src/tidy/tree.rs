//! The files of the repository, as text.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Folders that are made, not written.
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
/// A folder or file that can't be read.
pub(super) fn files(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))?
        {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            // In a further worktree `.git` is a file.
            if SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let bytes =
                    fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
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

/// The folders at the top that hold something, ordered by name.
pub(super) fn top_level(files: &[File]) -> Vec<&str> {
    let mut folders: Vec<_> = files
        .iter()
        .filter_map(|file| Some(file.path.split_once('/')?.0))
        .collect();
    folders.dedup();
    folders
}
