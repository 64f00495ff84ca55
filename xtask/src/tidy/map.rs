//! The code map, `crates/README.md`: it names everything there is, nothing that isn't, and
//! its absences hold.
//!
//! Absences are told in a table with the columns `crate` and `never`, and `except` where one
//! file is the exception. In the first stands a crate. What stands in backticks in the second
//! is a package that the crate must not need, even through another (`tokio`), or, where it
//! has a `::`, a `!` or a bracket, a text that its code must not contain (`Instant::now(`).
//! The third names files of the crate, relative to its `src/`.

use std::path::Path;

use anyhow::bail;

use super::dependencies::Graph;
use super::finding::Finding;
use super::policy::LIBRARY_PREFIX;
use super::text::{is_generated, is_test};
use super::tree::{File, top_level};

/// Where the map is, relative to the root.
pub(super) const FILE: &str = "crates/README.md";

/// What the map is compared with.
pub(super) struct Tree<'a> {
    pub(super) root: &'a Path,
    pub(super) files: &'a [File],
    pub(super) graph: &'a Graph,
}

/// Checks the map.
///
/// # Errors
/// A tree without files, against which nothing can be checked.
pub(super) fn check(map: &str, tree: &Tree<'_>) -> anyhow::Result<Vec<Finding>> {
    let folders = top_level(tree.files);
    if folders.is_empty() {
        bail!("no files below {}", tree.root.display());
    }
    let members: Vec<&str> = tree.graph.members.keys().map(String::as_str).collect();
    let mut findings = unnamed(map, &folders, &members);
    for (line, token) in tokens(map) {
        if let Some(what) = names_nothing(token, &folders, &members, &|path| {
            tree.root.join(path).exists()
        }) {
            findings.push(Finding::error(FILE, line, what, "correct the map"));
        }
    }
    let absences = absences(map);
    for library in members
        .iter()
        .filter(|name| name.starts_with(LIBRARY_PREFIX))
    {
        let is_product = tree.graph.members[*library].folder.starts_with("crates/");
        if is_product && !absences.iter().any(|absence| absence.library == *library) {
            findings.push(Finding::error(
                FILE,
                1,
                format!("the map doesn't say what {library} must never know"),
                "give it a row in a table with the columns `crate` and `never`",
            ));
        }
    }
    for absence in &absences {
        findings.extend(broken(absence, tree));
    }
    Ok(findings)
}

/// What the map should name and doesn't.
fn unnamed(map: &str, folders: &[&str], members: &[&str]) -> Vec<Finding> {
    let named = |name: &str| {
        tokens(map).iter().any(|(_, token)| {
            token.trim_end_matches('/') == name || token.split('/').next() == Some(name)
        })
    };
    let crates = members
        .iter()
        .filter(|name| !named(name))
        .map(|name| format!("the crate {name}"));
    let folders = folders
        .iter()
        .filter(|name| !named(name))
        .map(|name| format!("the folder {name}/"));
    crates
        .chain(folders)
        .map(|what| {
            Finding::error(
                FILE,
                1,
                format!("the map doesn't name {what}"),
                "say what it is for",
            )
        })
        .collect()
}

/// Line (from 1) and text of each `token` outside code blocks.
fn tokens(map: &str) -> Vec<(usize, &str)> {
    let mut in_block = false;
    let mut tokens = Vec::new();
    for (index, line) in map.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            tokens.extend(quoted(line).map(|token| (index + 1, token)));
        }
    }
    tokens
}

/// What stands between backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// What is wrong if a token names a crate or path that isn't there.
fn names_nothing(
    token: &str,
    folders: &[&str],
    members: &[&str],
    exists: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.@/".contains(c);
    if token.is_empty() || !token.chars().all(is_name) {
        return None;
    }
    let (first, rest) = token.split_once('/').unwrap_or((token, ""));
    let is_crate = members.contains(&first);
    if first.starts_with(LIBRARY_PREFIX) && !is_crate {
        return Some(format!("there is no crate {first}"));
    }
    if rest.is_empty() || !(is_crate || folders.contains(&first)) {
        return None;
    }
    let found = exists(token) || exists(&format!("crates/{token}"));
    (!found).then(|| format!("there is no {token}"))
}

/// One row of a table of absences.
#[derive(Debug, PartialEq, Eq)]
struct Absence<'a> {
    line: usize,
    library: &'a str,
    never: Vec<&'a str>,
    except: Vec<&'a str>,
}

/// The rows of every table that has the columns `crate` and `never`.
fn absences(map: &str) -> Vec<Absence<'_>> {
    let mut rows = Vec::new();
    let mut columns: Option<(usize, usize, Option<usize>)> = None;
    for (index, line) in map.lines().enumerate() {
        let Some(cells) = cells(line) else {
            columns = None;
            continue;
        };
        let Some((library, never, except)) = columns else {
            let column = |name: &str| {
                cells
                    .iter()
                    .position(|cell| cell.eq_ignore_ascii_case(name))
            };
            columns = column("crate")
                .zip(column("never"))
                .map(|(a, b)| (a, b, column("except")));
            continue;
        };
        let cell = |column: usize| cells.get(column).copied().unwrap_or_default();
        if let Some(library) = quoted(cell(library)).next() {
            rows.push(Absence {
                line: index + 1,
                library,
                never: quoted(cell(never)).collect(),
                except: except
                    .map(|column| quoted(cell(column)).collect())
                    .unwrap_or_default(),
            });
        }
    }
    rows
}

/// The cells of a table's row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

/// Where an absence doesn't hold.
fn broken(absence: &Absence<'_>, tree: &Tree<'_>) -> Vec<Finding> {
    let Absence {
        line,
        library,
        never,
        except,
    } = absence;
    let Some(member) = tree.graph.members.get(*library) else {
        let what = format!("an absence is told of {library}, which isn't there");
        return vec![Finding::error(FILE, *line, what, "correct the map")];
    };
    if never.is_empty() {
        let what = format!("what {library} must never know stands in no backticks");
        return vec![Finding::error(
            FILE,
            *line,
            what,
            "put packages and texts in backticks",
        )];
    }
    let mut findings = Vec::new();
    for never in never {
        if is_text(never) {
            let src = format!("{}/src/", member.folder);
            for file in tree.files {
                let Some(name) = file.path.strip_prefix(&src) else {
                    continue;
                };
                if except.contains(&name) || is_generated(&file.path) || is_test(&file.path) {
                    continue;
                }
                findings.extend(lines_with(&file.text, never).into_iter().map(|line| {
                    let what = format!("`{never}` in {library}, which {FILE} says never has it");
                    Finding::error(
                        &file.path,
                        line,
                        what,
                        "do without, or change the map and say why",
                    )
                }));
            }
        } else if let Some(path) = tree.graph.path(library, never) {
            let what = format!(
                "{library} needs {never}, which {FILE} says it never does: {}",
                path.join(" → ")
            );
            let manifest = format!("{}/Cargo.toml", member.folder);
            findings.push(Finding::error(
                manifest,
                1,
                what,
                "do without, or change the map and say why",
            ));
        }
    }
    findings
}

/// A text to look for, rather than a package's name.
fn is_text(never: &str) -> bool {
    never.contains("::") || never.contains(['!', '(', '[', ' ', '"'])
}

/// Lines (from 1) of code, not of comments and tests, that contain the text.
fn lines_with(code: &str, text: &str) -> Vec<usize> {
    code.lines()
        .enumerate()
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//") && line.contains(text))
        .map(|(index, _)| index + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "# Map\n\
        `crates/` has `fulcrum-a`; see `proto/x.proto` and `.ci/run`.\n\
        ```\n`crates/not-read`\n```\n\
        | Crate | Never | Except |\n|---|---|---|\n\
        | `fulcrum-a` | `tokio`, `Instant::now(` | `driver.rs` |\n\n\
        | crate | about |\n|---|---|\n| `fulcrum-b` | `x` |\n";

    #[test]
    fn absences_are_read_from_their_table_only() {
        let expected = Absence {
            line: 8,
            library: "fulcrum-a",
            never: vec!["tokio", "Instant::now("],
            except: vec!["driver.rs"],
        };
        assert_eq!(absences(MAP), [expected]);
    }

    #[test]
    fn what_is_not_named_is_told() {
        let findings = unnamed(
            MAP,
            &["crates", "proto", ".ci", "sdk"],
            &["fulcrum-a", "xtask"],
        );
        let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("the crate xtask") && told[1].contains("the folder sdk/"),
            "{told:?}"
        );
    }

    #[test]
    fn names_of_nothing_are_told_and_other_words_are_not() {
        let exists = |path: &str| ["proto/x.proto", "crates/fulcrum-a/src"].contains(&path);
        let wrong =
            |token: &str| names_nothing(token, &["crates", "proto"], &["fulcrum-a"], &exists);
        assert_eq!(wrong("proto/y.proto").unwrap(), "there is no proto/y.proto");
        assert_eq!(wrong("fulcrum-z").unwrap(), "there is no crate fulcrum-z");
        assert_eq!(
            wrong("crates/fulcrum-z/src").unwrap(),
            "there is no crates/fulcrum-z/src"
        );
        for fine in [
            "proto/x.proto",
            "fulcrum-a/src",
            "fulcrum-a",
            "proto/",
            "text/plain",
            "crates/*",
            "a b",
        ] {
            assert_eq!(wrong(fine), None, "{fine}");
        }
    }

    #[test]
    fn texts_are_found_in_code_only() {
        let code =
            "//! Instant::now( is banned\nlet a = Instant::now();\n#[cfg(test)]\nInstant::now()\n";
        assert_eq!(lines_with(code, "Instant::now("), [2]);
        assert!(is_text("println!") && is_text("rustix::process") && !is_text("tokio-util"));
    }
}
