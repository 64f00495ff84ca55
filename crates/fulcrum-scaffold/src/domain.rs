//! The files of a new domain.

use std::path::{Path, PathBuf};

use crate::file::ScaffoldFile;
use crate::handler::Handler;
use crate::language::Language;
use crate::name::{class_name, singular};
use crate::template::Template;
use crate::text::fill;

/// A new domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainOptions {
    /// Its name, which must be valid.
    pub name: String,
    /// The language of its code and its test.
    pub language: Language,
    /// The domains that must be ready before it starts.
    pub depends_on: Vec<String>,
    /// Its directory, relative to the app's root.
    pub dir: PathBuf,
}

/// A message that the code of a new domain handles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The domain.
    pub domain: String,
    /// The message's type.
    pub request_type: String,
    /// The payload, as JSON.
    pub payload: &'static str,
}

impl DomainOptions {
    /// A domain in `domains/` that depends on nothing.
    #[must_use]
    pub fn new(name: &str, language: Language) -> Self {
        Self {
            name: name.to_owned(),
            language,
            depends_on: Vec::new(),
            dir: Path::new("domains").join(name),
        }
    }

    /// The files of a domain with this code and this test.
    pub(crate) fn files_with(&self, code: &str, test: &str) -> Vec<ScaffoldFile> {
        let hello = hello(&self.name);
        let extension = self.language.extension();
        let entry = format!("domain.{extension}");
        // A test is in `test/`, one level below the root.
        let import = format!("../{}/{entry}", self.dir.display());
        let words = [
            ("name", self.name.as_str()),
            ("class", &class_name(&self.name)),
            ("thing", &singular(&self.name)),
            ("method", &hello.method),
            ("request_type", &hello.request_type),
            ("import", &import),
        ];
        vec![
            ScaffoldFile::new(self.dir.join(&entry), fill(code, &words)),
            ScaffoldFile::new(self.dir.join("fulcrum.yml"), self.configuration()),
            ScaffoldFile::new(
                format!("test/{}.test.{extension}", self.name),
                fill(test, &words),
            ),
        ]
    }

    fn configuration(&self) -> String {
        let depth = self.dir.components().count();
        let root = "../".repeat(depth);
        let process = match self.depends_on.as_slice() {
            [] => " {}".to_owned(),
            names => format!("\n  depends_on: [{}]", names.join(", ")),
        };
        let template = include_str!("../templates/domain.yml");
        fill(template, &[("root", &root), ("process", &process)])
    }
}

/// The files of a new domain: its code, its configuration and a test.
#[must_use]
pub fn domain_files(options: &DomainOptions) -> Vec<ScaffoldFile> {
    let (code, test) = match options.language {
        Language::TypeScript => (
            include_str!("../templates/domain.ts"),
            include_str!("../templates/domain.test.ts"),
        ),
        Language::JavaScript => (
            include_str!("../templates/domain.js"),
            include_str!("../templates/domain.test.js"),
        ),
    };
    options.files_with(code, test)
}

/// A call that a new domain answers.
#[must_use]
pub fn example(template: Template, domain: &str) -> Example {
    let of = |domain: &str, request_type: String, payload| Example {
        domain: domain.to_owned(),
        request_type,
        payload,
    };
    match template {
        Template::Minimal => of(domain, hello(domain).request_type, r#"{"name": "Ann"}"#),
        Template::Shop => of(
            "orders",
            "order_create_request".to_owned(),
            r#"{"sku": "tea-green", "quantity": 3}"#,
        ),
    }
}

fn hello(domain: &str) -> Handler {
    Handler::named(domain, "hello").expect("`hello` is the name of a type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_elsewhere_finds_its_schema_and_its_test_finds_it() {
        let options = DomainOptions {
            dir: "services/core/users".into(),
            depends_on: vec!["catalog".to_owned(), "mail".to_owned()],
            ..DomainOptions::new("users", Language::TypeScript)
        };
        let files = domain_files(&options);
        let text = |end: &str| {
            let file = files.iter().find(|file| file.path.ends_with(end));
            file.expect(end).text.clone()
        };
        let yml = text("users/fulcrum.yml");
        assert!(yml.contains("$schema=../../../.fulcrum/schema/domain.json\n"));
        assert!(
            yml.ends_with("process:\n  depends_on: [catalog, mail]\n"),
            "{yml}"
        );
        assert!(text("users.test.ts").contains("from '../services/core/users/domain.ts'"));
        assert!(text("domain.ts").contains("export default class Users extends DomainBase"));
    }
}
