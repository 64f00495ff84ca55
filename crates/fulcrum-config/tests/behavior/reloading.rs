//! Settings that are loaded again while the app runs.

use crate::support::Case;
use fulcrum_config::{Selection, SettingsCache, UnknownDomain};

#[test]
fn cached_settings_follow_the_files_and_survive_errors() {
    let case = Case::domain("process: {args: [one]}");
    let domain = case.app().domains.remove(0);
    let cache = SettingsCache::new(domain, &case.root(), case.options());
    let args = || {
        let (domain, warning) = cache.refresh();
        (domain.process.args.join(" "), warning)
    };
    assert_eq!(args(), ("one".to_owned(), None));

    case.write("domains/a/fulcrum.yml", "process: {args: [one, two]}");
    assert_eq!(args(), ("one two".to_owned(), None));

    case.write("domains/a/fulcrum.yml", "process: {argz: [three, four]}");
    let (kept, warning) = args();
    assert_eq!(kept, "one two");
    let warning = warning.expect("a warning");
    assert!(
        warning.contains("using previous settings") && warning.contains("did you mean `args`?"),
        "{warning}"
    );
}

#[test]
fn a_selection_includes_dependencies_and_ignores_removed_names_after_a_reload() {
    let case = Case::domain("process: {depends_on: [b]}");
    case.write("domains/b/domain.js", "");
    case.write("domains/c/domain.js", "");
    let select = |only: &[&str], no_deps| Selection {
        only: only.iter().map(ToString::to_string).collect(),
        no_deps,
    };
    let app = case.app();
    let names = |names: &[&str]| Ok(names.iter().map(ToString::to_string).collect());
    assert_eq!(select(&["a"], false).resolve(&app), names(&["a", "b"]));
    assert_eq!(select(&["a"], true).resolve(&app), names(&["a"]));
    assert_eq!(select(&[], false).resolve(&app), names(&["a", "b", "c"]));
    let unknown = select(&["d"], false).resolve(&app);
    assert_eq!(unknown, Err(UnknownDomain("d".to_owned())));
    assert_eq!(
        select(&["c", "d"], false).resolve_after_reload(&app),
        ["c".to_owned()]
    );
    assert!(select(&["d"], false).resolve_after_reload(&app).is_empty());
}
