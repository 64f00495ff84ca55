//! A domain's settings, loaded again before a start when their files have changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::app::Domain;
use crate::diagnostic::{Diagnostic, Severity};
use crate::file::CONFIG_FILE;
use crate::file_stamp::FileStamp;
use crate::load::load;
use crate::options::LoadOptions;

/// The settings that the next process of one domain is started with. Clones share one cache.
///
/// What belongs to a single process (the program, its arguments, directory and environment) follows
/// the files even without a reload. What a supervisor decides by (dependencies, timeouts, the
/// restart policy) is to be taken from the configuration in force instead.
#[derive(Clone)]
pub struct SettingsCache(Arc<Inner>);

struct Inner {
    options: Arc<LoadOptions>,
    app_root: PathBuf,
    cached: Mutex<CachedSettings>,
}

struct CachedSettings {
    stamps: Vec<Option<FileStamp>>,
    domain: Arc<Domain>,
}

impl SettingsCache {
    /// A cache that starts with `domain`, as it was just loaded with `options`: those contain an
    /// environment, which the caches of all domains can share.
    pub fn new(domain: Domain, app_root: &Path, options: impl Into<Arc<LoadOptions>>) -> Self {
        let stamps = read_stamps(app_root, &domain);
        let domain = Arc::new(domain);
        Self(Arc::new(Inner {
            options: options.into(),
            app_root: app_root.to_owned(),
            cached: Mutex::new(CachedSettings { stamps, domain }),
        }))
    }

    /// The settings, loaded again if a file has changed. If that fails, the previous settings stay,
    /// and the text is a warning with the reason. May block.
    pub fn refresh(&self) -> (Arc<Domain>, Option<String>) {
        let inner = &self.0;
        let mut cached = inner.cached.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before the files are: a change meanwhile is noticed at the next refresh.
        let stamps = read_stamps(&inner.app_root, &cached.domain);
        let mut warning = None;
        if stamps != cached.stamps {
            match inner.load_domain(&cached.domain.name) {
                Ok(domain) => {
                    *cached = CachedSettings {
                        stamps,
                        domain: Arc::new(domain),
                    }
                }
                Err(text) => warning = Some(text),
            }
        }
        (Arc::clone(&cached.domain), warning)
    }
}

impl Inner {
    fn load_domain(&self, name: &str) -> Result<Domain, String> {
        let loaded = load(&self.options);
        let Some(app) = loaded.app else {
            let is_error = |one: &&Diagnostic| one.severity == Severity::Error;
            let errors = loaded.diagnostics.iter().filter(is_error);
            let errors: Vec<String> = errors.map(ToString::to_string).collect();
            return Err(format!(
                "configuration invalid, using previous settings:\n{}",
                errors.join("\n")
            ));
        };
        app.domain(name)
            .filter(|domain| domain.has_process())
            .cloned()
            .ok_or_else(|| "no process is configured any more, using previous settings".to_owned())
    }
}

/// Of the app's file, the domain's file, and its environment files.
fn read_stamps(app_root: &Path, domain: &Domain) -> Vec<Option<FileStamp>> {
    let files = [app_root.join(CONFIG_FILE), domain.dir.join(CONFIG_FILE)];
    let env_files = domain.process.env_files.iter().map(|file| &file.path);
    let files = files.iter().chain(env_files);
    files.map(|file| FileStamp::read(file)).collect()
}
