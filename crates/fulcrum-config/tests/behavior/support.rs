//! An app in a temporary directory, to load.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use fulcrum_config::{App, Code, LoadOptions, LoadResult, Mode, Severity, load};

pub(crate) struct Case {
    dir: tempfile::TempDir,
    env: BTreeMap<String, String>,
    flags: Vec<(String, String)>,
    pub(crate) mode: Mode,
}

impl Case {
    /// An app with these files and a `fulcrum.yml`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let case = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            env: BTreeMap::new(),
            flags: Vec::new(),
            mode: Mode::Dev,
        };
        case.write("fulcrum.yml", "# the app\n");
        for (name, text) in files {
            case.write(name, text);
        }
        case
    }

    /// An app with a domain `a` that has this `fulcrum.yml`.
    pub(crate) fn domain(config: &str) -> Self {
        Self::new(&[
            ("domains/a/domain.js", ""),
            ("domains/a/fulcrum.yml", config),
        ])
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub(crate) fn flag(mut self, path: &str, value: &str) -> Self {
        self.flags.push((path.into(), value.into()));
        self
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("a parent directory")).expect("writable");
        fs::write(path, content).expect("writable");
    }

    pub(crate) fn symlink(&self, target: impl AsRef<Path>, name: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("a parent directory")).expect("writable");
        std::os::unix::fs::symlink(target, path).expect("writable");
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("it is there")
    }

    pub(crate) fn options(&self) -> LoadOptions {
        LoadOptions {
            app: None,
            cwd: self.root(),
            env: self.env.clone(),
            flags: self.flags.clone(),
            mode: self.mode,
            auto_ports: None,
        }
    }

    pub(crate) fn load(&self) -> LoadResult {
        let loaded = load(&self.options());
        if let Some(corpus) = std::env::var_os("FULCRUM_CONFIG_CORPUS") {
            self.record(&loaded, Path::new(&corpus));
        }
        loaded
    }

    /// Writes the configuration files and what came of them, for `cargo xtask schemas`: whether a file
    /// is valid, and which of its errors are such that a schema sees them.
    fn record(&self, loaded: &LoadResult, corpus: &Path) {
        let root = self.root();
        let domains = fs::read_dir(root.join("domains")).into_iter().flatten();
        let domains = domains.flatten().map(|entry| entry.path());
        let files = domains
            .map(|dir| ("domain", dir))
            .chain([("app", root.clone())]);
        for (kind, dir) in files {
            let path = dir.join("fulcrum.yml");
            // Some tests have a pipe there, or a device that never ends.
            if !fs::metadata(&path).is_ok_and(|file| file.is_file()) {
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let relative = path.strip_prefix(&root).expect("it is in the app");
            let errors = loaded.diagnostics.iter().filter(|diagnostic| {
                let file = diagnostic.at.as_ref().map(|at| at.file.as_path());
                diagnostic.severity == Severity::Error && file == Some(relative)
            });
            // A schema does not know the values of variables.
            let wrong: Vec<String> = errors
                .map(|diagnostic| diagnostic.code)
                .filter(|code| matches!(code, Code::UnknownKey | Code::WrongType))
                .filter(|_| !text.contains("${"))
                .map(Code::kind)
                .collect();
            // A directory that is no domain is not read.
            let is_read = kind == "app"
                || loaded
                    .app
                    .as_ref()
                    .is_some_and(|app| app.domains.iter().any(|domain| domain.dir == dir));
            let file = serde_json::json!({
                "kind": kind, "text": text, "valid": loaded.is_valid() && is_read, "wrong": wrong,
            });
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            fs::write(corpus.join(format!("{number}.json")), file.to_string()).expect("writable");
        }
    }

    /// The app, which must have no diagnostics.
    pub(crate) fn app(&self) -> App {
        let loaded = self.load();
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        loaded.app.expect("an app without diagnostics")
    }

    /// All diagnostics as text, with the app's directory as `ROOT` and without their codes, which
    /// are [`fulcrum_config::Code`]s: no text can be without one.
    pub(crate) fn diagnostics(&self) -> Vec<String> {
        let loaded = self.load();
        assert_eq!(loaded.app.is_some(), loaded.is_valid());
        let root = self.root().to_string_lossy().into_owned();
        loaded
            .diagnostics
            .iter()
            .map(|diagnostic| {
                let text = diagnostic.to_string().replace(&root, "ROOT");
                text.replace(&format!("error[{}]: ", diagnostic.code), "")
                    .replace(&format!("warning[{}]: ", diagnostic.code), "warning: ")
            })
            .collect()
    }

    /// The only diagnostic, as text.
    pub(crate) fn diagnostic(&self) -> String {
        let mut diagnostics = self.diagnostics();
        assert_eq!(diagnostics.len(), 1, "{diagnostics:#?}");
        diagnostics.remove(0)
    }
}
