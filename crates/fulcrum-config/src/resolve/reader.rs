//! Typed access to layered settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::process::ProbeSettings;
use crate::setting::{Origin, Setting, SettingTree, SettingWithOrigin};

pub(super) const SET: &str = "defaults.yml sets it and layers only replace it by the same type";

/// Settings by path. Those with a default always exist.
pub(super) struct SettingsReader<'a> {
    pub(super) tree: &'a SettingTree,
    pub(super) section: &'static str,
}

impl<'a> SettingsReader<'a> {
    pub(super) fn leaf(&self, path: &str) -> Option<&'a SettingWithOrigin> {
        self.tree.leaf(path)
    }

    pub(super) fn string(&self, path: &str) -> Option<&'a str> {
        match &self.leaf(path)?.setting {
            Setting::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn string_list(&self, path: &str) -> Vec<String> {
        match self.leaf(path).map(|leaf| &leaf.setting) {
            Some(Setting::StringList(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn duration(&self, path: &str) -> Option<Duration> {
        match self.leaf(path)?.setting {
            Setting::Duration(time) => Some(time),
            _ => None,
        }
    }

    pub(super) fn integer(&self, path: &str) -> Option<u32> {
        match self.leaf(path)?.setting {
            Setting::Integer(number) => u32::try_from(number).ok(),
            _ => None,
        }
    }

    pub(super) fn size(&self, path: &str) -> Option<u64> {
        match self.leaf(path)?.setting {
            Setting::Size(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn float(&self, path: &str) -> Option<f64> {
        match self.leaf(path)?.setting {
            Setting::Float(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn bool(&self, path: &str) -> Option<bool> {
        match self.leaf(path)?.setting {
            Setting::Bool(on) => Some(on),
            _ => None,
        }
    }

    pub(super) fn probe(&self, path: &str) -> Option<&'a ProbeSettings> {
        match &self.leaf(path)?.setting {
            Setting::Probe(probe) => Some(probe),
            _ => None,
        }
    }

    pub(super) fn address(&self, path: &str) -> Option<(String, u16)> {
        match &self.leaf(path)?.setting {
            Setting::Listen { host, port } => Some((host.clone(), *port)),
            _ => None,
        }
    }

    /// A path, made absolute.
    pub(super) fn path(&self, path: &str, root: &Path) -> Option<PathBuf> {
        let leaf = self.leaf(path)?;
        Some(leaf.origin.dir(root).join(self.string(path)?))
    }

    /// An error at the setting.
    pub(super) fn diagnostic(
        &self,
        path: &str,
        code: Code,
        message: impl std::fmt::Display,
    ) -> Diagnostic {
        let origin = self
            .leaf(path)
            .map_or(&Origin::Default, |leaf| &leaf.origin);
        Diagnostic::error(
            code,
            format!("{}`{}.{path}`: {message}", origin.prefix(), self.section),
        )
        .at(origin.location())
    }
}
