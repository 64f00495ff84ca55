//! Paths as a tree.

use std::collections::BTreeMap;
use std::path::Path;

use crate::file::WrittenFile;

#[derive(Default)]
struct Branch {
    children: BTreeMap<String, Branch>,
    /// Appended to the name.
    note: &'static str,
}

/// The files as a tree below `name`, as `tree` prints it, without a line end at its end. A file that
/// existed is marked.
#[must_use]
pub fn tree(name: &str, files: &[WrittenFile]) -> String {
    let mut root = Branch::default();
    for file in files {
        let note = if file.is_new {
            ""
        } else {
            " (exists, not changed)"
        };
        insert(&mut root, &file.path, note);
    }
    let mut text = name.to_owned();
    render(&root, "", &mut text);
    text
}

fn insert(root: &mut Branch, path: &Path, note: &'static str) {
    let mut branch = root;
    for part in path {
        let part = part.to_string_lossy().into_owned();
        branch = branch.children.entry(part).or_default();
    }
    branch.note = note;
}

fn render(branch: &Branch, indent: &str, text: &mut String) {
    let last = branch.children.len().saturating_sub(1);
    for (at, (name, child)) in branch.children.iter().enumerate() {
        let (corner, line) = if at == last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        text.push_str(&format!("\n{indent}{corner}{name}{}", child.note));
        render(child, &format!("{indent}{line}"), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_branches_and_existing_files_are_marked() {
        let file = |path: &str, is_new| WrittenFile {
            path: path.into(),
            is_new,
        };
        let files = [
            file("domains/users/domain.ts", true),
            file("domains/orders/domain.ts", true),
            file("package.json", false),
            file(".gitignore", true),
        ];
        let expected = "\
shop
├── .gitignore
├── domains
│   ├── orders
│   │   └── domain.ts
│   └── users
│       └── domain.ts
└── package.json (exists, not changed)";
        assert_eq!(tree("shop", &files), expected);
    }
}
