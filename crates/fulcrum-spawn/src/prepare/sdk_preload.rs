//! Whether a domain starts without a preload, because the SDK loads the bootstrap later.

use std::ffi::OsStr;
use std::path::{Component, Path};

use super::files::ancestors_until;
use super::node_program::NodeProgram;
use super::package_json::PackageJson;
use super::runner::Runner;
use super::sdk::{PACKAGE, Sdk};
use super::typescript::sources::first_static_import;

/// Whether the first code that the entry runs is the embedded SDK, as an ECMAScript module. Then the
/// SDK does the urgent part of the bootstrap's work, and loads the bootstrap when the domain has
/// started: a preload costs each start about two milliseconds.
///
/// Static imports are evaluated before the entry and in their order, so no other code runs before
/// the first one. If this is not certain, the result is false, with which every start works.
pub(super) fn sdk_loads_first(
    sdk: &Sdk,
    program: &NodeProgram<'_>,
    runner: &Runner,
    cache: &Path,
) -> bool {
    // Other options may load other code first, or resolve the import to another package.
    let has_no_options = *runner == Runner::JavaScript
        && program.node_args.is_empty()
        && !program.env.contains_key(OsStr::new("NODE_OPTIONS"));
    let (Ok(entry), Ok(root)) = (
        program.entry.canonicalize(),
        program.app_root.canonicalize(),
    ) else {
        return false;
    };
    has_no_options
        && resolves_to_embedded_sdk(sdk, &entry, &root)
        && is_known_module(&entry)
        && first_static_import(&entry, cache).is_some_and(|specifier| specifier == PACKAGE)
}

/// Whether Node resolves `@fulcrum/domain` from the entry to the embedded SDK in the app's
/// `node_modules`, and not to another copy below it.
pub(super) fn resolves_to_embedded_sdk(sdk: &Sdk, entry: &Path, root: &Path) -> bool {
    let Some(dir) = entry.parent().filter(|dir| dir.starts_with(root)) else {
        return false;
    };
    let is_in_package = dir
        .strip_prefix(root)
        .is_ok_and(|below| below.components().any(is_node_modules));
    let has_nearer_copy = ancestors_until(dir, root)
        .filter(|dir| *dir != root)
        .any(|dir| {
            dir.join("node_modules")
                .join(PACKAGE)
                .symlink_metadata()
                .is_ok()
        });
    !is_in_package && !has_nearer_copy && sdk.is_installed(root)
}

fn is_node_modules(component: Component<'_>) -> bool {
    component.as_os_str() == "node_modules"
}

/// Whether the entry is a module by its extension or package; not every Node detects modules by
/// their syntax. A package with the SDK's name is excluded, since a package can import itself by
/// name.
fn is_known_module(entry: &Path) -> bool {
    let Some(Ok(scope)) = entry.parent().map(PackageJson::package_scope) else {
        return false;
    };
    let text = |field: fn(&PackageJson) -> Option<&str>| scope.as_ref().and_then(field);
    let is_module = match entry.extension().and_then(OsStr::to_str) {
        Some("mjs") => true,
        Some("js") => text(|package| package.r#type.as_str()) == Some("module"),
        _ => false,
    };
    is_module && text(|package| package.name.as_str()) != Some(PACKAGE)
}
