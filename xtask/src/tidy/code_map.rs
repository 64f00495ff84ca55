//! The code map, `crates/README.md`: it names all crates and top-level directories, names nothing
//! that does not exist, and its table of forbidden uses holds.
//!
//! That table has the columns `crate` and `never`, and `except` for files that are exceptions. The
//! first has a crate. Backticks in the second hold a package that the crate, without its optional
//! features, must not need, even through another (`tokio`); with a `::`, a `!` or a bracket, they
//! hold a text that its code must not contain (`Instant::now(`). The third has files of the crate,
//! relative to its `src/`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;

use super::dependencies::Graph;
use super::file_rules::{is_generated, is_test};
use super::finding::Finding;
use super::needs::Needs;
use super::policy::LIBRARY_PREFIX;
use super::tree::{File, top_level};

/// Where the map is, relative to the root.
pub(super) const FILE: &str = "crates/README.md";

/// What the map is compared with.
pub(super) struct Tree<'a> {
    pub(super) root: &'a Path,
    pub(super) files: &'a [File],
    pub(super) graph: &'a Graph,
    /// By crate.
    pub(super) needs: &'a BTreeMap<String, Needs>,
}

/// Checks the map.
///
/// # Errors
/// A tree without files.
pub(super) fn check(map: &str, tree: &Tree<'_>) -> anyhow::Result<Vec<Finding>> {
    let directories = top_level(tree.files);
    if directories.is_empty() {
        bail!("no files below {}", tree.root.display());
    }
    let members: Vec<&str> = tree.graph.members.keys().map(String::as_str).collect();
    let mut findings = unnamed(map, &directories, &members);
    for (line, token) in tokens(map) {
        if let Some(what) = unknown_reference(token, &directories, &members, &|path| {
            tree.root.join(path).exists()
        }) {
            findings.push(Finding::error(FILE, line, what, "correct the map"));
        }
    }
    let forbidden = parse_forbidden(map);
    for library in members
        .iter()
        .filter(|name| name.starts_with(LIBRARY_PREFIX))
    {
        let is_product = tree.graph.members[*library]
            .directory
            .starts_with("crates/");
        if is_product && !forbidden.iter().any(|rule| rule.library == *library) {
            findings.push(Finding::error(
                FILE,
                1,
                format!("the map has no row for what {library} must never use"),
                "give it a row in a table with the columns `crate` and `never`",
            ));
        }
    }
    for rule in &forbidden {
        findings.extend(violations(rule, tree));
    }
    Ok(findings)
}

/// What the map should name and does not.
fn unnamed(map: &str, directories: &[&str], members: &[&str]) -> Vec<Finding> {
    let named = |name: &str| {
        tokens(map).iter().any(|(_, token)| {
            token.trim_end_matches('/') == name || token.split('/').next() == Some(name)
        })
    };
    let crates = members
        .iter()
        .filter(|name| !named(name))
        .map(|name| format!("the crate {name}"));
    let directories = directories
        .iter()
        .filter(|name| !named(name))
        .map(|name| format!("the directory {name}/"));
    crates
        .chain(directories)
        .map(|what| {
            Finding::error(
                FILE,
                1,
                format!("the map does not name {what}"),
                "state what it is for",
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

/// What is wrong with a token that names a crate or path that does not exist.
fn unknown_reference(
    token: &str,
    directories: &[&str],
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
    if rest.is_empty() || !(is_crate || directories.contains(&first)) {
        return None;
    }
    let found = exists(token) || exists(&format!("crates/{token}"));
    (!found).then(|| format!("there is no {token}"))
}

/// One row of the table of forbidden uses.
#[derive(Debug, PartialEq, Eq)]
struct ForbiddenUse<'a> {
    line: usize,
    library: &'a str,
    never: Vec<&'a str>,
    except: Vec<&'a str>,
}

/// The rows of every table that has the columns `crate` and `never`.
fn parse_forbidden(map: &str) -> Vec<ForbiddenUse<'_>> {
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
            rows.push(ForbiddenUse {
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

/// Where a rule does not hold.
fn violations(rule: &ForbiddenUse<'_>, tree: &Tree<'_>) -> Vec<Finding> {
    let ForbiddenUse {
        line,
        library,
        never,
        except,
    } = rule;
    let Some(member) = tree.graph.members.get(*library) else {
        let what = format!("a rule for {library}, which does not exist");
        return vec![Finding::error(FILE, *line, what, "correct the map")];
    };
    if never.is_empty() {
        let what = format!("what {library} must never use is not in backticks");
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
            let src = format!("{}/src/", member.directory);
            for file in tree.files {
                let Some(name) = file.path.strip_prefix(&src) else {
                    continue;
                };
                if except.contains(&name) || is_generated(&file.path) || is_test(&file.path) {
                    continue;
                }
                findings.extend(lines_with(&file.text, never).into_iter().map(|line| {
                    let what = format!("`{never}` in {library}, which {FILE} forbids");
                    Finding::error(
                        &file.path,
                        line,
                        what,
                        "do without, or change the map and give the reason",
                    )
                }));
            }
        } else if let Some(path) = tree.needs.get(*library).and_then(|needs| needs.get(*never)) {
            let what = format!(
                "{library} needs {never}, which {FILE} forbids: {}",
                path.join(" → ")
            );
            let manifest = format!("{}/Cargo.toml", member.directory);
            findings.push(Finding::error(
                manifest,
                1,
                what,
                "do without, or change the map and give the reason",
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
    fn forbidden_uses_are_read_from_their_table_only() {
        let expected = ForbiddenUse {
            line: 8,
            library: "fulcrum-a",
            never: vec!["tokio", "Instant::now("],
            except: vec!["driver.rs"],
        };
        assert_eq!(parse_forbidden(MAP), [expected]);
    }

    #[test]
    fn what_is_not_named_is_found() {
        let findings = unnamed(
            MAP,
            &["crates", "proto", ".ci", "sdk"],
            &["fulcrum-a", "xtask"],
        );
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("the crate xtask") && found[1].contains("the directory sdk/"),
            "{found:?}"
        );
    }

    #[test]
    fn unknown_references_are_found_and_other_words_are_not() {
        let exists = |path: &str| ["proto/x.proto", "crates/fulcrum-a/src"].contains(&path);
        let wrong =
            |token: &str| unknown_reference(token, &["crates", "proto"], &["fulcrum-a"], &exists);
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
