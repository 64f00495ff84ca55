//! A domain's settings, read again before a start when their files have changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fulcrum_config::{Domain, LoadOptions, Severity, load};

/// The file that holds settings, of an app and of a domain.
const FILE: &str = "fulcrum.yml";

/// What the next life of one domain is started with. Clones are handles to the same.
///
/// What belongs to a single life (the program, its arguments, folder and environment) follows the
/// files even without a reload; what the supervisor decides by (dependencies, timeouts, the restart
/// policy) is that of the agenda.
#[derive(Clone)]
pub(crate) struct SettingsCache(Arc<Inner>);

struct Inner {
    request: LoadOptions,
    app: PathBuf,
    known: Mutex<CachedSettings>,
}

struct CachedSettings {
    stamps: Vec<FileStamp>,
    domain: Arc<Domain>,
}

/// What changes with a file's content: when it was written, its length, which file it is.
type FileStamp = Option<(i64, i64, u64, u64)>;

impl SettingsCache {
    /// The settings as they were read with `request` a moment ago.
    pub(crate) fn new(domain: Domain, app: &Path, request: LoadOptions) -> Self {
        let domain = Arc::new(domain);
        let stamps = stamps(app, &domain);
        let known = Mutex::new(CachedSettings { stamps, domain });
        Self(Arc::new(Inner {
            request,
            app: app.to_owned(),
            known,
        }))
    }

    /// Reads them again if a file has changed. Where that leads to nothing usable, the ones that
    /// are known stay, and the text says why. May block.
    pub(crate) fn refresh(&self) -> (Arc<Domain>, Option<String>) {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken before the files are read: a change meanwhile is seen the next time.
        let stamps = stamps(&self.0.app, &known.domain);
        let mut told = None;
        if stamps != known.stamps {
            match self.read(&known.domain.name) {
                Ok(domain) => {
                    *known = CachedSettings {
                        stamps,
                        domain: Arc::new(domain),
                    }
                }
                Err(why) => told = Some(format!("starting with the settings of before: {why}")),
            }
        }
        (Arc::clone(&known.domain), told)
    }

    fn read(&self, name: &str) -> Result<Domain, String> {
        let loaded = load(&self.0.request);
        let Some(app) = loaded.app else {
            let errors = loaded
                .problems
                .iter()
                .filter(|p| p.severity == Severity::Error);
            let texts: Vec<String> = errors.map(ToString::to_string).collect();
            return Err(format!(
                "the configuration is invalid now\n{}",
                texts.join("\n")
            ));
        };
        app.domain(name)
            .filter(|domain| domain.has_process())
            .cloned()
            .ok_or_else(|| "the configuration names nothing to start any more".to_owned())
    }
}

/// Of the app's file, the domain's, and its files of variables.
fn stamps(app: &Path, domain: &Domain) -> Vec<FileStamp> {
    let files = [app.join(FILE), domain.dir.join(FILE)];
    let variables = domain.process.env_files.iter();
    files
        .iter()
        .chain(variables)
        .map(|file| stamp(file))
        .collect()
}

fn stamp(file: &Path) -> FileStamp {
    let meta = fs::metadata(file).ok()?;
    Some((meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino()))
}
