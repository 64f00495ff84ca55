//! The files of a row on disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;

use super::row::{Flag, Row, RowFile};

/// Writes all files and links of a row into a directory.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write(row: &Row, directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    let has = |path: &str| row.files.iter().any(|file| file.is_at(path));
    if let Some(kind) = row.package_type.as_ref().filter(|_| !has("package.json")) {
        let text = match kind.as_str() {
            "none" => "{}\n".to_owned(),
            kind => format!("{{ \"type\": \"{kind}\" }}\n"),
        };
        fs::write(directory.join("package.json"), text)?;
    }
    if let Some(options) = row
        .compiler_options
        .as_ref()
        .filter(|_| !has("tsconfig.json"))
    {
        let text = format!("{{ \"compilerOptions\": {options} }}\n");
        fs::write(directory.join("tsconfig.json"), text)?;
    }
    for file in &row.files {
        let path = directory.join(&file.path);
        create_parent(&path)?;
        fs::write(&path, content(file)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    for (link, target) in &row.links {
        let path = directory.join(link);
        create_parent(&path)?;
        symlink(relative(Path::new(link), target), &path)
            .with_context(|| format!("cannot link {}", path.display()))?;
    }
    Ok(())
}

fn create_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// The target as seen from the directory of the link; both are relative to the same directory.
fn relative(link: &Path, target: &str) -> PathBuf {
    let depth = link.components().count().saturating_sub(1);
    let up = std::iter::repeat_n(Component::ParentDir, depth);
    up.collect::<PathBuf>().join(target)
}

fn content(file: &RowFile) -> anyhow::Result<Vec<u8>> {
    let mut text = file.text.clone();
    if file.has(Flag::Expand) {
        text = expand(&text)?;
    }
    if file.has(Flag::Trim) {
        text.truncate(text.trim_end().len());
    }
    if file.has(Flag::Crlf) {
        text = text.replace('\n', "\r\n");
    }
    let mut bytes = Vec::new();
    if file.has(Flag::Bom) {
        bytes.extend("\u{feff}".bytes());
    }
    if file.has(Flag::Bytes) {
        let mut parts = text.split("\\x");
        bytes.extend(parts.next().unwrap_or_default().bytes());
        for part in parts {
            let (code, rest) = part.split_at_checked(2).context("\\x without two digits")?;
            bytes.push(u8::from_str_radix(code, 16)?);
            bytes.extend(rest.bytes());
        }
    } else {
        bytes.extend(text.bytes());
    }
    Ok(bytes)
}

/// Replaces `@repeat(3, abc)@`. A repeated text at the beginning of a line is one line each time.
fn expand(text: &str) -> anyhow::Result<String> {
    let mut parts = text.split("@repeat(");
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_line = expanded.is_empty() || expanded.ends_with('\n');
        let (call, rest) = part.split_once(")@").context("@repeat( without )@")?;
        let (count, repeated) = call.split_once(", ").context("@repeat( without a comma")?;
        let newline = if is_line && rest.starts_with('\n') {
            "\n"
        } else {
            ""
        };
        expanded.push_str(&format!("{repeated}{newline}").repeat(count.parse()?));
        expanded.push_str(rest.strip_prefix(newline).unwrap_or(rest));
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, flags: &[Flag]) -> Vec<u8> {
        let file = RowFile {
            path: "a.ts".to_owned(),
            text: text.to_owned(),
            flags: flags.to_vec(),
        };
        content(&file).unwrap()
    }

    #[test]
    fn flags_make_what_markdown_cannot_show() {
        assert_eq!(file("a\nb\n", &[Flag::Crlf]), b"a\r\nb\r\n");
        assert_eq!(file("a\n", &[Flag::Bom, Flag::Trim]), b"\xef\xbb\xbfa");
        assert_eq!(file("a\\xffb", &[Flag::Bytes]), b"a\xffb");
        assert_eq!(file("x@repeat(3, ()@y", &[Flag::Expand]), b"x(((y");
        assert_eq!(file("@repeat(2, a,)@\n]", &[Flag::Expand]), b"a,\na,\n]");
    }

    #[test]
    fn a_link_is_relative_to_its_directory() {
        let link = relative(Path::new("node_modules/@app/lib"), "packages/lib");
        assert_eq!(link, Path::new("../../packages/lib"));
        assert_eq!(relative(Path::new("a.ts"), "b.ts"), Path::new("b.ts"));
    }
}
