//! The options of Node that decide how imports are resolved.

use std::ffi::OsStr;
use std::path::Path;

use super::node::find::NodeRuntime;
use super::node_program::NodeProgram;
use super::typescript::request::requires_modules;
use super::typescript::resolver::NodeResolution;

/// How this Node resolves the imports of a program.
pub(super) fn node_resolution(program: &NodeProgram<'_>, node: &NodeRuntime) -> NodeResolution {
    let options = program.env.get(OsStr::new("NODE_OPTIONS"));
    let options = options
        .map(|text| text.to_string_lossy())
        .unwrap_or_default();
    let words = options
        .split_ascii_whitespace()
        .chain(program.node_args.iter().map(String::as_str));
    NodeResolution {
        requires_modules: requires_modules(&node.version),
        ..resolution_options(words)
    }
}

/// Whether Node runs `using`: since 24.
pub(super) fn runs_using(node: &NodeRuntime) -> bool {
    node.at_least(24, 0)
}

fn resolution_options<'a>(words: impl Iterator<Item = &'a str>) -> NodeResolution {
    let mut resolution = NodeResolution::default();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        match name {
            "--conditions" | "-C" => {
                let value = value.or_else(|| words.next());
                resolution.conditions.extend(value.map(str::to_owned));
            }
            "--preserve-symlinks" => resolution.preserve_symlinks = true,
            "--no-preserve-symlinks" => resolution.preserve_symlinks = false,
            _ => {}
        }
    }
    resolution
}

/// The words for the helper command that give it the same options and the same cache: a process that
/// the domain has started may have another environment.
pub(super) fn helper_options(resolution: &NodeResolution, cache: &Path) -> Vec<String> {
    let conditions = resolution.conditions.iter();
    let mut words: Vec<String> = cache
        .to_str()
        .map(|cache| format!("--cache={cache}"))
        .into_iter()
        .chain(conditions.map(|condition| format!("--conditions={condition}")))
        .collect();
    if resolution.preserve_symlinks {
        words.push("--preserve-symlinks".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_and_links_are_read_from_all_forms() {
        let words = "--conditions=a -C b --conditions c --title=-C --preserve-symlinks -C=d";
        let resolution = resolution_options(words.split(' '));
        assert_eq!(resolution.conditions, ["a", "b", "c", "d"]);
        assert!(resolution.preserve_symlinks);
        let helper = helper_options(&resolution, Path::new("/c"));
        assert_eq!((helper.len(), helper[0].as_str()), (6, "--cache=/c"));
        let again = resolution_options(helper.iter().map(String::as_str));
        assert_eq!(again, resolution);
    }
}
