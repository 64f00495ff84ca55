//! Which changes reload which domains.

use tempfile::TempDir;

use crate::test_support::app;
use crate::watch::classify::*;

/// An app with two Node domains and another program.
struct Case {
    _dir: TempDir,
    app: App,
    views: BTreeMap<String, DomainView>,
}

impl Case {
    fn new() -> Self {
        let (dir, app) = app(&[
            ("fulcrum.yml", ""),
            ("domains/users/domain.js", ""),
            ("domains/users/fulcrum.yml", "process: {env_file: [.env]}"),
            ("domains/users/.env", ""),
            ("domains/orders/domain.ts", ""),
            (
                "domains/tool/fulcrum.yml",
                "process: {command: [/bin/cat], watch: {paths: [., \"*.sql\", \"../../etc/*.html\"]}}",
            ),
        ]);
        let runs = DomainView {
            load_state: LoadState::Loaded,
            ..DomainView::default()
        };
        let names = ["users", "orders", "tool"];
        let views = names.map(|name| (name.to_owned(), runs.clone()));
        Self {
            _dir: dir,
            app,
            views: BTreeMap::from(views),
        }
    }

    /// A domain has reported these files as loaded.
    fn loaded(mut self, name: &str, files: &[&str]) -> Self {
        let files = files.iter().map(|file| self.app.root.join(file)).collect();
        let view = self.views.get_mut(name).expect("it exists");
        view.modules = Some(Arc::new(files));
        self
    }

    fn with_state(mut self, name: &str, load_state: LoadState) -> Self {
        self.views.get_mut(name).expect("it exists").load_state = load_state;
        self
    }

    /// What a change reloads, as text.
    fn impact(&self, path: &str, kind: ChangeKind, keys: &[&str]) -> Vec<String> {
        let change = Change {
            path: self.app.root.join(path),
            kind,
            keys: keys.iter().map(|key| Arc::from(*key)).collect(),
        };
        let canonical = |path: &Path| {
            let text = path.to_string_lossy();
            PathBuf::from(text.replace("/link/", "/target/"))
        };
        let impact = classify(&self.app, &self.views, &change, canonical);
        let undecided = impact.undecided.into_iter();
        let undecided = undecided.map(|name| format!("undecided {name}"));
        let targets = impact.targets.into_iter().map(|target| match target {
            ReloadTarget::Configuration => "configuration".to_owned(),
            ReloadTarget::Code(name) => format!("code {name}"),
            ReloadTarget::Asset(name) => format!("asset {name}"),
        });
        targets.chain(undecided).collect()
    }

    fn saved(&self, path: &str, keys: &[&str]) -> Vec<String> {
        self.impact(path, ChangeKind::Modified, keys)
    }
}

const NOTHING: [String; 0] = [];

#[test]
fn configuration_files_reload_the_configuration() {
    let case = Case::new();
    assert_eq!(case.saved("fulcrum.yml", &[CONFIG_KEY]), ["configuration"]);
    let keys = [CONFIG_KEY, DOMAIN_DIRS_KEY, "users"];
    for file in ["domains/users/fulcrum.yml", "domains/users/.env"] {
        assert_eq!(case.saved(file, &keys), ["configuration"], "{file}");
    }
}

#[test]
fn entry_points_add_and_remove_domains() {
    let case = Case::new();
    for kind in [ChangeKind::Created, ChangeKind::Removed] {
        for file in ["domains/pay/domain.mts", "domains/pay/fulcrum.yml"] {
            assert_eq!(
                case.impact(file, kind, &[DOMAIN_DIRS_KEY]),
                ["configuration"],
                "{file}"
            );
        }
        assert_eq!(
            case.impact("domains/pay/lib.js", kind, &[DOMAIN_DIRS_KEY]),
            NOTHING
        );
    }
    let entry = "domains/users/domain.js";
    let keys = [DOMAIN_DIRS_KEY, "users"];
    assert_eq!(
        case.impact(entry, ChangeKind::Removed, &keys),
        ["configuration"]
    );
    let back = case.impact(entry, ChangeKind::Created, &keys);
    assert_eq!(back, ["configuration", "code users"]);
    assert_eq!(case.saved(entry, &keys), ["code users"]);
}

#[test]
fn the_extension_decides_while_loaded_files_are_unknown() {
    let case = Case::new();
    for file in ["a.js", "b.mts", "lib/c.json", "d.node", "e.wasm"] {
        let file = format!("domains/users/{file}");
        assert_eq!(
            case.saved(&file, &[DOMAIN_DIRS_KEY, "users"]),
            ["code users"],
            "{file}"
        );
    }
    for file in ["views/a.hbs", "a.css", "notes", "a.sql"] {
        let file = format!("domains/users/{file}");
        assert_eq!(
            case.saved(&file, &[DOMAIN_DIRS_KEY, "users"]),
            ["asset users"],
            "{file}"
        );
    }
}

#[test]
fn shared_code_reloads_only_its_importers() {
    let shared = "shared/money.ts";
    let case = Case::new()
        .loaded("users", &["domains/users/domain.js", shared])
        .loaded("orders", &["domains/orders/domain.ts"]);
    assert_eq!(case.saved(shared, &["users", "orders"]), ["code users"]);
    assert_eq!(
        case.impact(shared, ChangeKind::Removed, &["users"]),
        ["code users"]
    );
}

#[test]
fn a_file_that_is_not_loaded_reloads_no_running_domain() {
    let case = Case::new().loaded("users", &["domains/users/domain.js", "target/a.js"]);
    let test = "domains/users/price.test.js";
    assert_eq!(case.saved(test, &["users"]), NOTHING);
    assert_eq!(
        case.saved("domains/users/data.json", &["users"]),
        ["asset users"]
    );
    assert_eq!(
        case.saved("domains/users/a.hbs", &["users"]),
        ["asset users"]
    );
    // Node knows a module by its real path.
    assert_eq!(case.saved("link/a.js", &["users"]), ["code users"]);
    assert_eq!(case.impact(test, ChangeKind::Removed, &["users"]), NOTHING);
    // It may be what is imported next.
    assert_eq!(
        case.impact(test, ChangeKind::Created, &["users"]),
        ["code users"]
    );
    let data = "domains/users/data.json";
    let case = case.with_state("users", LoadState::Starting);
    let saved = case.saved(test, &["users"]);
    assert_eq!(saved, ["undecided users"], "the new generation may load it");
    assert_eq!(case.saved(data, &["users"]), ["asset users"]);
    let created = case.impact(data, ChangeKind::Created, &["users"]);
    assert_eq!(created, ["code users"], "it may fail without it");
    let mut case = case.with_state("users", LoadState::Down);
    assert_eq!(case.saved(test, &["users"]), ["code users"]);
    assert_eq!(
        case.saved("domains/users/a.hbs", &["users"]),
        ["asset users"]
    );
    let view = case.views.get_mut("users").expect("it exists");
    view.load_state = LoadState::Loaded;
    view.unapplied.insert(case.app.root.join(test));
    assert_eq!(case.saved(test, &["users"]), ["code users"]);
}

#[test]
fn package_json_counts_and_lock_files_do_not() {
    let unknown = Case::new();
    let known = Case::new().loaded("users", &["domains/users/domain.js"]);
    for case in [unknown, known] {
        let package = "domains/users/package.json";
        assert_eq!(case.saved(package, &["users"]), ["code users"]);
        for lock in ["package-lock.json", "yarn.lock"] {
            let lock = format!("domains/users/{lock}");
            assert_eq!(
                case.impact(&lock, ChangeKind::Created, &["users"]),
                NOTHING,
                "{lock}"
            );
        }
    }
}

#[test]
fn a_configuration_of_typescript_counts_if_it_applies_or_is_new() {
    let case = Case::new().loaded("users", &["domains/users/domain.ts", "tsconfig.json"]);
    assert_eq!(case.saved("tsconfig.json", &["users"]), ["code users"]);
    let own = "domains/users/tsconfig.json";
    assert_eq!(
        case.saved(own, &["users"]),
        ["asset users"],
        "it does not apply"
    );
    let created = case.impact(own, ChangeKind::Created, &["users"]);
    assert_eq!(created, ["code users"]);
}

#[test]
fn for_other_programs_everything_except_assets_is_code() {
    let case = Case::new();
    for file in ["main.py", "bin/tool", "a.toml", "schema.sql"] {
        let file = format!("domains/tool/{file}");
        assert_eq!(case.saved(&file, &["tool"]), ["code tool"], "{file}");
    }
    assert_eq!(case.saved("etc/a.html", &["tool"]), ["code tool"]);
    let deeper = "domains/tool/old/schema.html";
    assert_eq!(case.saved(deeper, &["tool"]), ["asset tool"]);
}

#[test]
fn changes_of_removed_domains_mean_nothing() {
    assert_eq!(Case::new().saved("domains/gone/a.js", &["gone"]), NOTHING);
}
