//! The files of a new app.

use crate::domain::{DomainOptions, domain_files};
use crate::file::ScaffoldFile;
use crate::language::Language;
use crate::template::Template;
use crate::text::fill;

/// The domains of [`Template::Shop`].
const SHOP_DOMAINS: [&str; 2] = ["catalog", "orders"];

/// A new app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppOptions {
    /// The directory's name.
    pub name: String,
    /// The language of its domains and tests.
    pub language: Language,
    /// What it consists of.
    pub template: Template,
    /// The names of the domains of [`Template::Minimal`], which must be valid.
    pub domains: Vec<String>,
}

/// The files of a new app, ordered as they are to be read.
#[must_use]
pub fn app_files(options: &AppOptions) -> Vec<ScaffoldFile> {
    let mut files = vec![
        ScaffoldFile::new("fulcrum.yml", include_str!("../templates/fulcrum.yml")),
        ScaffoldFile::new("package.json", package_json(options)),
        ScaffoldFile::new(".gitignore", include_str!("../templates/gitignore")),
        ScaffoldFile::new(".env.example", include_str!("../templates/env.example")),
        ScaffoldFile::new(
            ".vscode/launch.json",
            include_str!("../templates/launch.json"),
        ),
        ScaffoldFile::new(
            ".vscode/extensions.json",
            include_str!("../templates/extensions.json"),
        ),
    ];
    if options.language == Language::TypeScript {
        let text = include_str!("../templates/tsconfig.json");
        files.push(ScaffoldFile::new("tsconfig.json", text));
    }
    match options.template {
        Template::Minimal => {
            for name in &options.domains {
                files.extend(domain_files(&DomainOptions::new(name, options.language)));
            }
        }
        Template::Shop => files.extend(shop_files(options.language)),
    }
    files
}

fn shop_files(language: Language) -> Vec<ScaffoldFile> {
    let texts = match language {
        Language::TypeScript => [
            (
                include_str!("../templates/shop/catalog.ts"),
                include_str!("../templates/shop/catalog.test.ts"),
            ),
            (
                include_str!("../templates/shop/orders.ts"),
                include_str!("../templates/shop/orders.test.ts"),
            ),
        ],
        Language::JavaScript => [
            (
                include_str!("../templates/shop/catalog.js"),
                include_str!("../templates/shop/catalog.test.js"),
            ),
            (
                include_str!("../templates/shop/orders.js"),
                include_str!("../templates/shop/orders.test.js"),
            ),
        ],
    };
    let mut files = Vec::new();
    for (name, (code, test)) in SHOP_DOMAINS.into_iter().zip(texts) {
        let mut options = DomainOptions::new(name, language);
        if name == "orders" {
            options.depends_on.push("catalog".to_owned());
        }
        files.extend(options.files_with(code, test));
    }
    files
}

fn package_json(options: &AppOptions) -> String {
    let template = match options.language {
        Language::TypeScript => include_str!("../templates/package.ts.json"),
        Language::JavaScript => include_str!("../templates/package.js.json"),
    };
    fill(template, &[("name", &package_name(&options.name))])
}

/// A valid name of a package for an app's directory: `My Shop` becomes `my-shop`.
#[must_use]
pub fn package_name(directory: &str) -> String {
    let plain: String = directory
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '-' | '_' | '.' | '~' => c,
            _ => '-',
        })
        .collect();
    let name = plain.trim_matches(['-', '_', '.', '~']);
    // Names that npm refuses.
    match name {
        "" | "node_modules" | "favicon.ico" => "fulcrum-app".to_owned(),
        name => name.chars().take(214).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn options(language: Language, template: Template) -> AppOptions {
        AppOptions {
            name: "My Shop".to_owned(),
            language,
            template,
            domains: vec!["users".to_owned(), "order-lines".to_owned()],
        }
    }

    fn every_app() -> Vec<Vec<ScaffoldFile>> {
        let languages = [Language::TypeScript, Language::JavaScript];
        let all = languages.into_iter().flat_map(|language| {
            [Template::Minimal, Template::Shop].map(|template| (language, template))
        });
        all.map(|(language, template)| app_files(&options(language, template)))
            .collect()
    }

    #[test]
    fn every_file_is_complete_and_there_once() {
        for files in every_app() {
            let paths: BTreeSet<_> = files.iter().map(|file| &file.path).collect();
            assert_eq!(paths.len(), files.len());
            for file in &files {
                let path = file.path.display();
                assert!(!file.text.contains("{{"), "{path}: {}", file.text);
                assert!(file.text.ends_with('\n'), "{path}");
                assert!(file.path.is_relative(), "{path}");
            }
        }
    }

    #[test]
    fn json_files_are_json_and_the_package_has_its_scripts() {
        for files in every_app() {
            for file in files
                .iter()
                .filter(|file| file.path.extension() == Some("json".as_ref()))
            {
                // The one that may have comments.
                if file.path.ends_with("tsconfig.json") {
                    continue;
                }
                let value: Value = serde_json::from_str(&file.text)
                    .unwrap_or_else(|error| panic!("{}: {error}", file.path.display()));
                if file.path.ends_with("package.json") {
                    assert_eq!(value["name"], "my-shop");
                    assert_eq!(value["type"], "module");
                    for script in ["dev", "test"] {
                        assert!(value["scripts"][script].is_string(), "{value}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_configuration_names_its_schema_by_a_path_from_itself() {
        for files in every_app() {
            for file in files
                .iter()
                .filter(|file| file.path.ends_with("fulcrum.yml"))
            {
                let first = file.text.lines().next().unwrap_or_default();
                let schema = first
                    .strip_prefix("# yaml-language-server: $schema=")
                    .expect(first);
                let depth = file.path.components().count() - 1;
                let up = "../".repeat(depth);
                let kind = if depth == 0 { "app" } else { "domain" };
                assert_eq!(schema, format!("{up}.fulcrum/schema/{kind}.json"));
            }
        }
    }

    #[test]
    fn names_of_packages_are_valid() {
        for (directory, name) in [
            ("shop", "shop"),
            ("My Shop", "my-shop"),
            ("_x", "x"),
            ("..", "fulcrum-app"),
            ("Überladen", "berladen"),
        ] {
            assert_eq!(package_name(directory), name);
        }
    }
}
