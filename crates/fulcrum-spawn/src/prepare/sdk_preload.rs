//! Whether a domain can start without the preload, because the SDK stands in for the bootstrap.

use std::ffi::OsStr;
use std::path::{Component, Path};

use super::files::ancestors_until;
use super::node_program::NodeProgram;
use super::package_json::PackageJson;
use super::runner::Runner;
use super::sdk::{PACKAGE, Sdk};
use super::typescript::sources::first_static_import;

/// Whether the first thing that the entry runs is Fulcrum's own copy of the SDK, as an ECMAScript
/// module. Then the SDK does what of the bootstrap's work can't wait, and loads the bootstrap for
/// the rest when the domain has started: a preload costs each start some two milliseconds.
///
/// Static imports are evaluated before the entry and in their order, so nothing can print before
/// the first of them. Wherever this isn't certain the answer is no, which is never wrong.
pub(super) fn sdk_loads_first(
    sdk: &Sdk,
    program: &NodeProgram<'_>,
    runner: &Runner,
    cache: &Path,
) -> bool {
    // Whatever Node is told besides may load something earlier, or resolve the import elsewhere.
    let plain = *runner == Runner::JavaScript
        && program.node_args.is_empty()
        && !program.env.contains_key(OsStr::new("NODE_OPTIONS"));
    let (Ok(entry), Ok(root)) = (
        program.entry.canonicalize(),
        program.app_root.canonicalize(),
    ) else {
        return false;
    };
    plain
        && resolves_to_embedded_sdk(sdk, &entry, &root)
        && is_known_module(&entry)
        && first_static_import(&entry, cache).is_some_and(|specifier| specifier == PACKAGE)
}

/// Whether Node, looking upward from the entry, meets our copy before any other.
pub(super) fn resolves_to_embedded_sdk(sdk: &Sdk, entry: &Path, root: &Path) -> bool {
    let Some(dir) = entry.parent().filter(|dir| dir.starts_with(root)) else {
        return false;
    };
    let in_packages = dir
        .strip_prefix(root)
        .is_ok_and(|below| below.components().any(is_node_modules));
    let nearer = ancestors_until(dir, root)
        .filter(|dir| *dir != root)
        .any(|dir| {
            dir.join("node_modules")
                .join(PACKAGE)
                .symlink_metadata()
                .is_ok()
        });
    !in_packages && !nearer && sdk.is_placed(root)
}

fn is_node_modules(component: Component<'_>) -> bool {
    component.as_os_str() == "node_modules"
}

/// Told by the extension or the package, not by the syntax, which not every Node looks at; and in
/// a package that isn't itself named like the SDK, since a package finds itself by its name.
fn is_known_module(entry: &Path) -> bool {
    let Some(Ok(scope)) = entry.parent().map(PackageJson::package_scope) else {
        return false;
    };
    let said = |field: fn(&PackageJson) -> Option<&str>| scope.as_ref().and_then(field);
    let module = match entry.extension().and_then(OsStr::to_str) {
        Some("mjs") => true,
        Some("js") => said(|package| package.r#type.as_str()) == Some("module"),
        _ => false,
    };
    module && said(|package| package.name.as_str()) != Some(PACKAGE)
}
