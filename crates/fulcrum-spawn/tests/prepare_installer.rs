//! Package installs by a script in place of npm: one at a time for each install root.
#![cfg(feature = "node")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{
    InstallEvent, InstallRequest, PackageInstaller, PackageQuery, PrepareContext,
};
use fulcrum_spawn::process::{ProcessTracker, Spawner};
use tokio::io::AsyncReadExt;

/// Installs `left-pad` in the workspace root, and fails if another install runs there.
const NPM: &str = "#!/bin/sh
mkdir running || exit 7
echo \"token $INSTALL_TOKEN\"
mkdir -p node_modules/left-pad
rmdir running
";

/// An app of two domains in one workspace, whose package is not installed.
struct TestApp {
    root: tempfile::TempDir,
}

impl TestApp {
    fn new(npm: &str) -> Self {
        let app = Self {
            root: tempfile::tempdir().unwrap(),
        };
        app.write("app/package.json", r#"{"workspaces":["domains/*"]}"#);
        for domain in ["a", "b"] {
            let package = r#"{"dependencies":{"left-pad":"1"}}"#;
            app.write(&format!("app/domains/{domain}/package.json"), package);
        }
        app.write("bin/npm", npm);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(app.at("bin/npm"), mode).unwrap();
        app
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Installs the packages of a domain; returns what happened.
    async fn install(
        &self,
        installer: &PackageInstaller,
        spawner: &Spawner,
        domain: &str,
        allowed: bool,
    ) -> (Result<(), StartError>, Vec<String>) {
        let path =
            std::env::join_paths([&*self.at("bin"), Path::new("/usr/bin"), Path::new("/bin")]);
        let request = InstallRequest {
            packages: PackageQuery {
                dir: self.at("app/domains").join(domain),
                app_root: self.at("app"),
                entry: None,
                path: path.unwrap(),
                home: None,
                node: None,
                runs_node: false,
                yaml: |text| serde_json::from_str(text).ok(),
            },
            context: &Arc::new(PrepareContext::new(self.at("cache"), Vec::new())),
            allowed,
            token: (OsString::from("INSTALL_TOKEN"), OsString::from(domain)),
            label: format!("{domain}.1.install"),
        };
        let (events, outputs) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let report = |event| {
            let text = match event {
                InstallEvent::Started { dir, reason, .. } => format!("started in {dir}: {reason}"),
                InstallEvent::Waiting { dir } => format!("waiting in {dir}"),
                InstallEvent::Running { activity, .. } => format!("running: {activity:?}"),
                InstallEvent::Finished { dir } => format!("finished in {dir}"),
                InstallEvent::Warning(warning) => warning.to_string(),
                InstallEvent::Output { stdout, .. } => {
                    outputs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(stdout);
                    return;
                }
            };
            events
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
        };
        let result = installer.ensure_installed(&request, spawner, report).await;
        let mut events = events.into_inner().unwrap();
        for mut stdout in outputs.into_inner().unwrap() {
            let mut text = String::new();
            stdout.read_to_string(&mut text).await.unwrap();
            events.push(text);
        }
        (result, events)
    }
}

#[tokio::test]
async fn packages_are_installed_once_for_an_install_root() {
    // Not a directory name, so that no cgroup is used.
    let tracker = ProcessTracker::open("no/cgroup", "INSTALL_TOKEN");
    let spawner = Spawner::start(tracker).unwrap();
    let installer = PackageInstaller::default();

    let app = TestApp::new(NPM);
    let (result, events) = app.install(&installer, &spawner, "a", false).await;
    let error = result.unwrap_err();
    assert!(error.permanent, "{error}");
    assert_eq!(
        error.message,
        "packages are missing in .: left-pad is not installed"
    );
    assert_eq!(
        error.hint.unwrap(),
        "run `npm install` in ., or leave out --no-install"
    );
    assert!(events.is_empty(), "{events:?}");

    let (a, b) = tokio::join!(
        app.install(&installer, &spawner, "a", true),
        app.install(&installer, &spawner, "b", true)
    );
    a.0.unwrap();
    b.0.unwrap();
    // Either of the two installs.
    let waited = ["waiting in ."];
    let [events, token] = if a.1 == waited {
        [b.1, vec!["token b\n".to_owned()]]
    } else {
        assert_eq!(b.1, waited);
        [a.1, vec!["token a\n".to_owned()]]
    };
    let started = "started in .: left-pad is not installed".to_owned();
    let expected = [vec![started, "finished in .".to_owned()], token].concat();
    assert_eq!(events, expected);

    let app = TestApp::new("#!/bin/sh\nexit 3\n");
    let (result, events) = app.install(&installer, &spawner, "a", true).await;
    let error = result.unwrap_err();
    assert!(
        error
            .message
            .starts_with("npm install in . failed (exit 3)"),
        "{error}"
    );
    assert!(error.permanent, "{error}");
    assert_eq!(events.len(), 2, "{events:?}");
    let (result, _) = app.install(&installer, &spawner, "a", false).await;
    let error = result.unwrap_err();
    assert!(
        error.message.ends_with("left-pad is not installed"),
        "an install that has ended is not interrupted: {error}"
    );
}
