//! A file of a scan: its compiled source, and what its imports mean.

use std::path::PathBuf;

use super::module_info::Import;
use super::resolver::{Target, Via};
use super::sources::Source;
use super::strip::Format;
use super::surroundings::{FileError, PackageType, Surroundings};

/// A file of the scan.
pub(super) struct ScannedFile {
    pub(super) path: PathBuf,
    pub(super) result: Result<LoadedFile, FileError>,
}

/// A file that was read, and compiled if necessary.
pub(super) struct LoadedFile {
    pub(super) source: Source,
    pub(super) surroundings: Surroundings,
    pub(super) edges: Vec<Edge>,
}

/// An import, resolved.
pub(super) struct Edge {
    /// The index of the import.
    pub(super) import: usize,
    pub(super) via: Via,
    pub(super) target: Target,
}

impl LoadedFile {
    pub(super) fn import(&self, edge: &Edge) -> &Import {
        &self.source.info.imports[edge.import]
    }

    /// Whether the loader for ECMAScript modules loads the file, or a file that it imports.
    pub(super) fn needs_module_loader(&self) -> bool {
        let imports_file = |edge: &Edge| {
            matches!(edge.target, Target::File(_) | Target::NodeFile(_))
                && edge.via == Via::Import
                && !self.import(edge).spawned
        };
        // Node loads an entry in such a package, even a CommonJS one, with the loader for modules.
        let is_in_module_package = self.surroundings.package_type == Some(PackageType::Module);
        is_in_module_package
            || self.source.format == Format::Module
            || self.edges.iter().any(imports_file)
    }
}

impl ScannedFile {
    pub(super) fn needs_loader(&self) -> bool {
        let differs = |edge: &Edge| matches!(edge.target, Target::File(_) | Target::Package(_));
        self.result.as_ref().map_or(true, |loaded| {
            loaded.source.code.is_some() || loaded.edges.iter().any(differs)
        })
    }
}
