//! The files of a translation.

use serde_json::json;

use super::draft::Draft;
use super::imported::{Import, ImportedDomain, ImportedFile};
use super::kind::ImportKind;
use super::text::{Dollars, convert};
use super::translation::Translation;
use crate::file::CONFIG_FILE;

/// The files and notes of a translation.
pub(super) fn finish(kind: ImportKind, mut translation: Translation) -> Import {
    let drafts = std::mem::take(&mut translation.drafts);
    let from = translation.display.display().to_string();
    let mut files = vec![ImportedFile {
        path: CONFIG_FILE.into(),
        text: app_text(&from),
    }];
    let mut domains = Vec::new();
    for mut draft in drafts {
        set_cwd(&mut translation, &mut draft);
        let domain = ImportedDomain {
            file: draft.dir().join(CONFIG_FILE),
            process: draft.settings(),
            name: draft.name,
            source_name: draft.source_name,
        };
        files.push(ImportedFile {
            path: domain.file.clone(),
            text: domain_text(&from, &domain),
        });
        domains.push(domain);
    }
    let mut notes = translation.notes;
    crate::diagnostic::sort(&mut notes);
    Import {
        kind,
        root: translation.root,
        files,
        domains,
        notes,
    }
}

/// The working directory, where it is not the domain's own.
fn set_cwd(translation: &mut Translation, draft: &mut Draft) {
    let dir = draft.cwd.clone();
    if !dir.is_dir() {
        let message = format!(
            "{}: the working directory {} does not exist; it runs in the app's instead",
            draft.source_name,
            dir.display()
        );
        translation.note(draft.position, message, "create it, or set `process.cwd`");
        draft.cwd = translation.root.clone();
    }
    if draft.cwd != translation.root.join(draft.dir()) {
        let path = translation.path_for(draft, &draft.cwd);
        draft.set("cwd", convert(&path, Dollars::Literal));
    }
}

fn app_text(from: &str) -> String {
    format!("# Written by `fulcrum import {from}`.\nruntime:\n  domains: [domains/*]\n")
}

fn domain_text(from: &str, domain: &ImportedDomain) -> String {
    let process = json!({ "process": domain.process });
    let yaml = serde_yaml::to_string(&process).expect("texts, numbers, lists and maps are YAML");
    format!("# {} of {from}.\n{yaml}", domain.source_name.escape_debug())
}
