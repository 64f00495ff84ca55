//! The app's directory, the domains in it, and their programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::Case;
use fulcrum_config::{Diagnostic, Program, find_app_root};

fn root(case: &Case, from: &str) -> Result<PathBuf, Diagnostic> {
    find_app_root(None, &BTreeMap::new(), &case.root().join(from))
}

#[test]
fn the_app_is_the_nearest_file_upward_that_is_not_a_domains() {
    let case = Case::domain("process: {}");
    case.write("domains/a/src/deep/x.js", "");
    case.write("domains/b/domain.js", "");
    case.write("tools/fulcrum.yml", "# an app of its own");
    for from in [
        "",
        "domains",
        "domains/a",
        "domains/a/src/deep",
        "domains/b",
    ] {
        assert_eq!(root(&case, from).ok(), Some(case.root()), "from {from}");
    }
    assert_eq!(root(&case, "tools").ok(), Some(case.root().join("tools")));
}

#[test]
fn a_domain_is_recognized_by_the_globs_of_the_app_above() {
    let case = Case::new(&[(
        "fulcrum.yml",
        "runtime:\n  domains: ['services/**', extra]\n",
    )]);
    case.write("services/pay/card/fulcrum.yml", "");
    case.write("extra/fulcrum.yml", "");
    case.write("domains/x/fulcrum.yml", "");
    assert_eq!(root(&case, "services/pay/card").ok(), Some(case.root()));
    assert_eq!(root(&case, "extra").ok(), Some(case.root()));
    assert_eq!(
        root(&case, "domains/x").ok(),
        Some(case.root().join("domains/x"))
    );
}

#[test]
fn a_flag_takes_precedence_over_a_variable_over_the_search() {
    let case = Case::new(&[("one/fulcrum.yml", ""), ("two/fulcrum.yml", "")]);
    let env = BTreeMap::from([("FULCRUM_APP_PATH".to_owned(), "two".to_owned())]);
    let cwd = case.root();
    assert_eq!(
        find_app_root(Some(Path::new("one")), &env, &cwd).ok(),
        Some(cwd.join("one"))
    );
    assert_eq!(
        find_app_root(Some(Path::new("one/fulcrum.yml")), &env, &cwd).ok(),
        Some(cwd.join("one"))
    );
    assert_eq!(find_app_root(None, &env, &cwd).ok(), Some(cwd.join("two")));
    let empty = BTreeMap::from([("FULCRUM_APP_PATH".to_owned(), String::new())]);
    assert_eq!(find_app_root(None, &empty, &cwd).ok(), Some(cwd));
}

#[test]
fn a_missing_app_is_reported_with_the_searched_path_and_a_hint() {
    let case = Case::new(&[("empty/x", ""), ("yaml/fulcrum.yaml", "")]);
    std::fs::remove_file(case.root().join("fulcrum.yml")).expect("it is there");
    let reported = root(&case, "empty").expect_err("there is none").to_string();
    assert!(
        reported.contains("/empty`")
            && reported.contains("create `fulcrum.yml`")
            && reported.contains("--app"),
        "{reported}"
    );
    let reported = root(&case, "yaml").expect_err("misspelt").to_string();
    assert!(
        reported.contains("fulcrum.yaml") && reported.contains("rename it"),
        "{reported}"
    );
    for (name, word) in [
        ("empty", "contains no"),
        ("nowhere", "no such"),
        ("empty/x", "not a directory"),
    ] {
        let reported = find_app_root(Some(Path::new(name)), &BTreeMap::new(), &case.root())
            .expect_err("none")
            .to_string();
        assert!(
            reported.starts_with("error[FUL0104]: --app: ")
                && reported.contains(word)
                && reported.contains("hint"),
            "{reported}"
        );
    }
}

#[test]
fn domains_are_found_by_globs_and_paths() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime:\n  domains: ['domains/*', 'pay/{card,cash}', deep/**, one]\n",
        ),
        ("domains/users/domain.ts", ""),
        ("domains/orders/domain.mjs", ""),
        ("domains/notes/README.md", ""),
        ("domains/README.md", ""),
        ("domains/.hidden/domain.js", ""),
        ("domains/node_modules/domain.js", ""),
        ("pay/card/domain.cjs", ""),
        ("pay/cheque/domain.js", ""),
        ("pay/cash/fulcrum.yml", "db: {}"),
        ("deep/a/b/c/domain.js", ""),
        ("deep/node_modules/x/domain.js", ""),
        ("one/domain.mts", ""),
    ]);
    let app = case.app();
    let names: Vec<_> = app
        .domains
        .iter()
        .map(|domain| domain.name.as_str())
        .collect();
    assert_eq!(names, ["c", "card", "cash", "one", "orders", "users"]);
    assert_eq!(
        app.domain("cash").map(|domain| &domain.program),
        Some(&Program::NoProcess)
    );
    let entry = case.root().join("domains/users/domain.ts");
    assert_eq!(
        app.domain("users").map(|domain| &domain.program),
        Some(&Program::Node { entry })
    );
    assert_eq!(
        app.domain("users").map(|domain| domain.process.cwd.clone()),
        Some(case.root().join("domains/users"))
    );
    assert!(app.domain("notes").is_none());
    assert_eq!(app.waves(), [["c", "card", "one", "orders", "users"]]);
}

#[test]
fn globs_never_match_outside_the_app() {
    for glob in ["../*", "/etc", "domains/../../x"] {
        let case = Case::new(&[("fulcrum.yml", &format!("runtime: {{domains: '{glob}'}}"))]);
        let reported = case.diagnostics();
        assert!(
            reported
                .iter()
                .any(|reported| reported.starts_with("fulcrum.yml:1:")
                    && reported.contains("is outside the app")),
            "{reported:?}"
        );
    }
    let case = Case::new(&[("fulcrum.yml", "runtime: {domains: .}")]);
    assert!(case.diagnostics()[0].contains("`.` is the app itself"));
    let outside = Case::new(&[("domain.js", "")]);
    let case = Case::new(&[]);
    case.symlink(outside.root(), "domains/away");
    assert!(
        case.diagnostic()
            .starts_with("domains/away: is outside the app, at `")
    );
}

#[test]
fn a_path_without_a_domain_is_an_error_and_a_glob_without_a_match_a_warning() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime: {domains: [domains/*, nowhere, bare, 'x/*', 'a[']}",
        ),
        ("domains/a/domain.js", ""),
        ("bare/x", ""),
    ]);
    let reported = case.diagnostics();
    assert_eq!(reported.len(), 4, "{reported:#?}");
    assert!(
        reported
            .iter()
            .any(|reported| reported.contains("no such directory: `nowhere`"))
    );
    assert!(reported.iter().any(|reported| {
        reported.contains("warning: `runtime.domains`: `x/*` matches no directory")
    }));
    assert!(
        reported
            .iter()
            .any(|reported| reported.contains("`a[` is not a valid glob"))
    );
    assert!(
        reported
            .iter()
            .any(|reported| reported.starts_with("bare: is listed in `runtime.domains`"))
    );
}

#[test]
fn names_are_checked() {
    for name in [
        "my domain",
        "_x",
        "ünï",
        "a.b",
        "a\u{1b}[2J",
        &"x".repeat(64),
    ] {
        let case = Case::new(&[(&format!("domains/{name}/domain.js"), "")]);
        let reported = case.diagnostic();
        assert!(
            reported.contains("is not a valid domain name") && !reported.contains('\u{1b}'),
            "{reported}"
        );
    }
    for name in ["all", "Fulcrum"] {
        assert!(
            Case::new(&[(&format!("domains/{name}/domain.js"), "")])
                .diagnostic()
                .contains("is reserved")
        );
    }
    // Directories that are no domains may have any name.
    Case::new(&[("domains/my notes/x.md", ""), ("domains/a/domain.js", "")]).app();
}

#[test]
fn two_domains_of_one_name_are_reported_with_both_paths() {
    for (one, two) in [("users", "users"), ("users", "Users")] {
        let case = Case::new(&[
            ("fulcrum.yml", "runtime: {domains: [domains/*, services/*]}"),
            (&format!("domains/{one}/domain.js"), ""),
            (&format!("services/{two}/domain.js"), ""),
            ("domains/web/domain.js", ""),
            (
                "domains/web/fulcrum.yml",
                &format!("process: {{depends_on: [{two}]}}"),
            ),
        ]);
        let reported = case.diagnostic();
        assert!(
            reported.starts_with(&format!("services/{two}: "))
                && reported.contains(&format!("`domains/{one}`")),
            "{reported}"
        );
    }
}

#[test]
fn two_entry_points_are_reported_with_both_names_and_a_hint() {
    let case = Case::new(&[
        ("domains/users/domain.js", ""),
        ("domains/users/domain.ts", ""),
    ]);
    assert_eq!(
        case.diagnostic(),
        "domains/users: `domains/users/domain.js` and `domains/users/domain.ts` both exist, but a domain has one entry point\n  hint: set `process.entry: domain.js` in `domains/users/fulcrum.yml`, or remove the other"
    );
    case.write("domains/users/fulcrum.yml", "process: {entry: domain.ts}");
    let entry = case.root().join("domains/users/domain.ts");
    assert_eq!(case.app().domains[0].program, Program::Node { entry });
    case.write(
        "domains/users/fulcrum.yml",
        "process: {command: [python3, main.py]}",
    );
    assert_eq!(
        case.app().domains[0].program,
        Program::Command(vec!["python3".into(), "main.py".into()])
    );
}

#[test]
fn an_entry_point_is_a_readable_file_inside_the_app() {
    let outside = Case::new(&[("x.js", "")]);
    let case = Case::new(&[
        ("shared/x.js", ""),
        ("domains/a/dir.js/x", ""),
        ("domains/a/lib/x.js", ""),
    ]);
    case.symlink(outside.root().join("x.js"), "domains/a/away.js");
    case.symlink("loop.js", "domains/a/loop.js");
    case.symlink("nothing.js", "domains/a/dangling.js");
    case.symlink("../../shared/x.js", "domains/a/inside.js");
    for (entry, word) in [
        ("../../../etc/passwd", "is outside the app"),
        ("away.js", "is outside the app"),
        ("loop.js", "symlinks form a loop"),
        ("dangling.js", "is a dangling symlink"),
        ("dir.js", "is a directory"),
        ("lib", "is a directory"),
        ("gone.js", "no such file"),
    ] {
        case.write(
            "domains/a/fulcrum.yml",
            format!("process:\n  entry: {entry}\n"),
        );
        let reported = case.diagnostic();
        assert!(
            reported.starts_with("domains/a/fulcrum.yml:2:10: `process.entry`: ")
                && reported.contains(word)
                && reported.contains("hint: "),
            "{reported}"
        );
    }
    let absolute = outside.root().join("x.js");
    case.write(
        "domains/a/fulcrum.yml",
        format!("process:\n  entry: {}\n", absolute.display()),
    );
    assert!(case.diagnostic().contains("is outside the app"));
    for entry in ["inside.js", "../../shared/x.js"] {
        case.write(
            "domains/a/fulcrum.yml",
            format!("process:\n  entry: {entry}\n"),
        );
        assert_eq!(
            case.app().domains[0].program,
            Program::Node {
                entry: case.root().join("shared/x.js")
            }
        );
    }
}

#[test]
fn an_entry_point_found_by_its_name_is_checked_too() {
    let case = Case::new(&[
        ("domains/b/fulcrum.yml", "process: {depends_on: [a]}"),
        ("domains/b/domain.js", ""),
    ]);
    case.symlink("domain.js", "domains/a/domain.js");
    let reported = case.diagnostic();
    assert!(
        reported.starts_with("domains/a/domain.js: is a dangling symlink"),
        "{reported}"
    );
}

#[test]
fn a_misnamed_file_of_a_domain_is_reported() {
    let case = Case::new(&[("domains/a/domain.js", ""), ("domains/a/fulcrum.yaml", "")]);
    assert!(
        case.diagnostic()
            .starts_with("domains/a/fulcrum.yaml: warning: is ignored")
    );
}

#[test]
fn an_app_without_domains_has_a_hint() {
    assert!(
        Case::new(&[])
            .diagnostic()
            .contains("warning: the app has no domains")
    );
}

#[test]
fn many_domains_are_read_as_few_are() {
    let case = Case::new(&[]);
    let names: Vec<String> = (0..200).map(|number| format!("d{number:03}")).collect();
    for (number, name) in names.iter().enumerate() {
        case.write(&format!("domains/{name}/domain.js"), "");
        // Each has a number of its own, and every tenth one an error of its own.
        let wrong = if number % 10 == 3 { "\n  wrong: 1" } else { "" };
        let config = format!("process:\n  env: {{NUMBER: '{number}'}}{wrong}\n");
        case.write(&format!("domains/{name}/fulcrum.yml"), config);
    }
    let reported = case.load().diagnostics;
    let files: Vec<String> = reported
        .iter()
        .filter_map(|diagnostic| Some(diagnostic.at.as_ref()?.file.display().to_string()))
        .collect();
    let wrong = names.iter().skip(3).step_by(10);
    let expected: Vec<String> = wrong
        .map(|name| format!("domains/{name}/fulcrum.yml"))
        .collect();
    assert_eq!(files, expected);
    for name in names.iter().skip(3).step_by(10) {
        case.write(&format!("domains/{name}/fulcrum.yml"), "process: {}\n");
    }
    let app = case.load().app.expect("it is valid");
    let numbers = app.domains.iter().map(|domain| {
        let number = domain.process.env.get("NUMBER").cloned();
        (domain.name.clone(), number)
    });
    let expected = names.iter().enumerate().map(|(number, name)| {
        let is_set = number % 10 != 3;
        (name.clone(), is_set.then(|| number.to_string()))
    });
    assert_eq!(numbers.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}
