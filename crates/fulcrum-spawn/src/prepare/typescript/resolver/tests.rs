//! What specifiers mean, for each kind of importer.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::prepare::typescript::surroundings::{SurroundingsReader, is_always_compiled};

struct Dir {
    root: tempfile::TempDir,
    resolution: NodeResolution,
}

impl Dir {
    /// A directory with these files; each has its name as content, if none is given.
    fn new(files: &[&str]) -> Self {
        let dir = Self {
            root: tempfile::tempdir().unwrap(),
            resolution: NodeResolution::default(),
        };
        dir.write(".git", "");
        files.iter().for_each(|name| dir.write(name, ""));
        dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, target: &str, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(self.path(target), path).unwrap();
    }

    /// The target relative to the directory; `node` and `missing` for what has no file here, and
    /// `package:` before files of installed packages.
    fn resolve(&self, from: &str, specifier: &str, via: Via) -> String {
        let resolver = ImportResolver::new(&self.resolution);
        let surroundings = SurroundingsReader::new(resolver.base());
        let path = self.path(from);
        let found = surroundings.of_dir(path.parent().unwrap()).unwrap();
        let importer = Importer {
            path: &path,
            is_compiled: is_always_compiled(&path),
            tsconfig: found.tsconfig.as_deref(),
        };
        let root = self.path("");
        let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        match resolver.resolve(importer, specifier, via) {
            Target::File(path) | Target::NodeFile(path) => name(&path),
            Target::Package(path) => format!("package:{}", name(&path)),
            Target::Node => "node".to_owned(),
            Target::Missing => "missing".to_owned(),
        }
    }

    fn import(&self, from: &str, specifier: &str) -> String {
        self.resolve(from, specifier, Via::Import)
    }

    fn require(&self, from: &str, specifier: &str) -> String {
        self.resolve(from, specifier, Via::Require)
    }
}

#[test]
fn typescript_precedes_javascript_for_a_typescript_importer() {
    let dir = Dir::new(&[
        "x.ts",
        "x.tsx",
        "x.js",
        "y.tsx",
        "y.js",
        "z.js",
        "m.mts",
        "m.mjs",
        "c.cts",
        "c.cjs",
        "v.tsx",
        "v.jsx",
        "d/index.ts",
        "d/index.js",
        "d.json",
        "e.data.ts",
        "ipaddr.js/index.ts",
        "f.ts",
        "f/index.ts",
        "g/package.json",
        "g/main.ts",
        "types.d.ts",
        "a b.ts",
        "h#i.ts",
    ]);
    dir.write("g/package.json", r#"{"main": "./main.js"}"#);
    for via in [Via::Import, Via::Require] {
        let resolve = |specifier| dir.resolve("domain.ts", specifier, via);
        assert_eq!(resolve("./x.js"), "x.ts");
        assert_eq!(resolve("./x"), "x.ts");
        assert_eq!(resolve("./x.tsx"), "x.tsx");
        assert_eq!(resolve("./y.js"), "y.tsx");
        assert_eq!(resolve("./y"), "y.tsx");
        assert_eq!(resolve("./z.js"), "z.js");
        assert_eq!(resolve("./m.mjs"), "m.mts");
        assert_eq!(resolve("./c.cjs"), "c.cts");
        assert_eq!(resolve("./v.jsx"), "v.tsx");
        assert_eq!(resolve("./d"), "d.json", "a file precedes a directory");
        assert_eq!(resolve("./d/"), "d/index.ts");
        assert_eq!(resolve("./e.data"), "e.data.ts");
        assert_eq!(resolve("./ipaddr.js"), "ipaddr.js/index.ts");
        assert_eq!(resolve("./f"), "f.ts");
        assert_eq!(resolve("./g"), "g/main.ts");
        assert_eq!(resolve("."), "missing");
        assert_eq!(resolve("./gone"), "missing");
        assert_eq!(resolve("./types"), "missing");
    }
    assert_eq!(dir.import("domain.ts", "./x.ts?v=1"), "x.ts");
    assert_eq!(dir.import("domain.ts", "./a%20b"), "a b.ts");
    assert_eq!(dir.import("domain.ts", "./a b.ts"), "a b.ts");
    assert_eq!(dir.require("domain.ts", "./h#i"), "h#i.ts");
    let url = format!("file://{}", dir.path("x.js").display());
    assert_eq!(dir.import("domain.ts", &url), "x.ts");
    let absolute = dir.path("x.js").display().to_string();
    assert_eq!(dir.import("domain.ts", &absolute), "x.ts");
}

#[test]
fn javascript_means_what_it_means_to_node() {
    let dir = Dir::new(&[
        "x.ts",
        "x.js",
        "y.ts",
        "z.mts",
        "d/index.ts",
        "e/index.js",
        "e.ts",
        "f.json",
        "f.ts",
    ]);
    assert_eq!(dir.import("domain.js", "./x.js"), "x.js");
    assert_eq!(dir.import("domain.js", "./y.js"), "y.ts");
    assert_eq!(dir.import("domain.js", "./z.mjs"), "z.mts");
    assert_eq!(dir.import("domain.js", "./x"), "x.js");
    assert_eq!(dir.import("domain.js", "./d"), "d/index.ts");
    assert_eq!(dir.require("domain.js", "./e"), "e/index.js");
    assert_eq!(dir.require("domain.js", "./f"), "f.json");
    assert_eq!(dir.import("domain.ts", "./f"), "f.ts");
}

#[test]
fn built_in_modules_and_urls_are_left_to_node() {
    let dir = Dir::new(&["fs.ts"]);
    dir.write("tsconfig.json", r#"{"compilerOptions": {"baseUrl": "."}}"#);
    for specifier in [
        "fs",
        "node:fs",
        "fs/promises",
        "data:text/javascript,1",
        "https://a/b.ts",
    ] {
        assert_eq!(dir.import("domain.ts", specifier), "node", "{specifier}");
    }
}

#[test]
fn installed_packages_are_left_to_node_but_for_what_it_does_not_find() {
    let dir = Dir::new(&[
        "node_modules/p/package.json",
        "node_modules/p/index.js",
        "node_modules/p/index.ts",
        "node_modules/p/sub.js",
        "node_modules/p/dir/index.js",
        "node_modules/q/lib/only.ts",
    ]);
    dir.write("node_modules/p/package.json", "{}");
    assert_eq!(dir.import("domain.ts", "p"), "node");
    assert_eq!(dir.import("domain.ts", "p/sub.js"), "node");
    assert_eq!(dir.import("domain.ts", "./node_modules/p/index.js"), "node");
    assert_eq!(dir.require("domain.ts", "p/sub"), "node");
    let found = dir.import("domain.ts", "p/sub");
    assert_eq!(found, "package:node_modules/p/sub.js");
    let found = dir.import("domain.ts", "p/dir");
    assert_eq!(found, "package:node_modules/p/dir/index.js");
    assert_eq!(dir.import("domain.ts", "gone"), "missing");
}

#[test]
fn packages_of_a_workspace_are_files_of_the_app() {
    let dir = Dir::new(&[
        "packages/lib/src/index.ts",
        "packages/lib/src/a.ts",
        "packages/old/main.ts",
    ]);
    dir.write(
        "packages/lib/package.json",
        r##"{"name": "@w/lib", "exports": {".": "./src/index.js", "./*": "./src/*.ts"},
             "imports": {"#a": "./src/a.ts", "#src/*": {"types": "./no", "default": "./src/*.js"}}}"##,
    );
    dir.write("packages/old/package.json", r#"{"main": "main"}"#);
    dir.link("packages/lib", "node_modules/@w/lib");
    dir.link("packages/old", "node_modules/old");
    for from in ["domain.ts", "domain.js"] {
        assert_eq!(dir.import(from, "@w/lib"), "packages/lib/src/index.ts");
        assert_eq!(dir.import(from, "@w/lib/a"), "packages/lib/src/a.ts");
        assert_eq!(dir.require(from, "old"), "packages/old/main.ts");
    }
    let from = "packages/lib/src/index.ts";
    assert_eq!(dir.import(from, "#a"), "packages/lib/src/a.ts");
    assert_eq!(dir.import(from, "#src/a"), "packages/lib/src/a.ts");
    assert_eq!(dir.import(from, "@w/lib/a"), "packages/lib/src/a.ts");
    assert_eq!(dir.import(from, "#gone"), "missing");
}

#[test]
fn aliases_precede_packages() {
    let dir = Dir::new(&[
        "src/lib/a.ts",
        "src/b.ts",
        "src/index.ts",
        "gen/c.ts",
        "node_modules/real/index.js",
        "node_modules/real/other.js",
        "node_modules/b/index.js",
    ]);
    dir.write(
        "tsconfig.json",
        r#"{"compilerOptions": {"baseUrl": "./src", "rootDirs": ["src", "gen"],
            "paths": {"@/*": ["*", "../gen/*"], "real": ["../node_modules/real/other.js"],
                      "root": ["."], "out": ["../../out.ts"]}}}"#,
    );
    let from = "src/domain.ts";
    assert_eq!(dir.import(from, "@/lib/a.js"), "src/lib/a.ts");
    assert_eq!(dir.import(from, "@/lib/a"), "src/lib/a.ts");
    assert_eq!(dir.import(from, "@/c"), "gen/c.ts");
    assert_eq!(dir.import(from, "@/gone"), "missing");
    assert_eq!(dir.import(from, "root"), "src/index.ts");
    assert_eq!(dir.import(from, "lib/a"), "src/lib/a.ts");
    assert_eq!(dir.import(from, "b"), "src/b.ts");
    assert_eq!(dir.import("src/domain.js", "b"), "node");
    assert_eq!(dir.import("src/domain.js", "@/b"), "src/b.ts");
    assert_eq!(
        dir.import(from, "real"),
        "package:node_modules/real/other.js"
    );
    assert_eq!(dir.import(from, "./c"), "gen/c.ts");
    assert_eq!(dir.import(from, "out"), "missing");
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().canonicalize().unwrap().join("out.ts");
    fs::write(&target, "").unwrap();
    let config = format!(
        r#"{{"compilerOptions": {{"paths": {{"out": ["{}"]}}}}}}"#,
        target.display()
    );
    dir.write("tsconfig.json", &config);
    let resolver = ImportResolver::new(&dir.resolution);
    let surroundings = SurroundingsReader::new(resolver.base());
    let found = surroundings.of_dir(&dir.path("src")).unwrap();
    let path = dir.path(from);
    let importer = Importer {
        path: &path,
        is_compiled: true,
        tsconfig: found.tsconfig.as_deref(),
    };
    let found = resolver.resolve(importer, "out", Via::Import);
    assert_eq!(found, Target::File(target), "an alias may leave the app");
}

#[test]
fn conditions_are_those_of_node_its_options_and_the_configuration() {
    let exports = |first: &str| {
        format!(
            r#"{{"name": "p", "exports": {{"{first}": "./first.js", "import": "./i.js", "require": "./r.js"}}}}"#
        )
    };
    let files = ["first.js", "first.ts", "i.js", "r.js"];
    let mut dir = Dir::new(
        &files
            .map(|name| format!("node_modules/p/{name}"))
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
    let package = "node_modules/p/package.json";
    dir.write(package, &exports("source"));
    assert_eq!(dir.import("domain.ts", "p"), "node");
    dir.write(
        "tsconfig.json",
        r#"{"compilerOptions": {"customConditions": ["source"]}}"#,
    );
    assert_eq!(
        dir.import("domain.ts", "p"),
        "package:node_modules/p/first.js"
    );
    assert_eq!(
        dir.import("domain.js", "p"),
        "node",
        "JavaScript is not TypeScript's"
    );
    dir.write(package, &exports("other"));
    assert_eq!(dir.import("domain.ts", "p"), "node");

    // The same package as a part of the workspace.
    fs::rename(dir.path("node_modules/p"), dir.path("p")).unwrap();
    dir.link("p", "node_modules/p");
    let at = |dir: &Dir, first: &str, via| {
        dir.write("p/package.json", &exports(first));
        dir.resolve("domain.ts", "p", via)
    };
    assert_eq!(at(&dir, "source", Via::Import), "p/first.ts");
    assert_eq!(at(&dir, "other", Via::Import), "p/i.js");
    assert_eq!(at(&dir, "other", Via::Require), "p/r.js");
    assert_eq!(at(&dir, "module-sync", Via::Require), "p/r.js");
    dir.resolution.requires_modules = true;
    assert_eq!(at(&dir, "module-sync", Via::Require), "p/first.ts");
    dir.resolution.conditions = vec!["other".to_owned()];
    assert_eq!(at(&dir, "other", Via::Import), "p/first.ts");
}

#[test]
fn links_are_followed_unless_they_are_preserved() {
    let mut dir = Dir::new(&["real/a.ts"]);
    dir.link("real", "linked");
    assert_eq!(dir.import("domain.ts", "./linked/a"), "real/a.ts");
    dir.resolution.preserve_symlinks = true;
    assert_eq!(dir.import("domain.ts", "./linked/a"), "linked/a.ts");
}

#[test]
fn names_that_differ_in_case_are_different() {
    let dir = Dir::new(&["User.ts", "user.ts"]);
    assert_eq!(dir.import("domain.ts", "./User.js"), "User.ts");
    assert_eq!(dir.import("domain.ts", "./user"), "user.ts");
    assert_eq!(dir.import("domain.ts", "./USER"), "missing");
}
