//! The JSON Schemas of the configuration, as `ajv` reads them: they accept every valid file of
//! `fulcrum-config`'s tests and of the repository's apps, and refuse those that are wrong by their
//! shape alone.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use fulcrum_config::{app_json_schema, domain_json_schema};
use serde_json::{Value, json};

use crate::command::CommandRunner;
use crate::node_tools;
use crate::workspace;

/// The validator, and a reader of YAML 1.2.
const PACKAGES: [&str; 2] = ["ajv@8.20.0", "yaml@2.9.1"];

/// Where the tests write the files that they load, and what came of it. `support.rs` reads it.
const CORPUS_VAR: &str = "FULCRUM_CONFIG_CORPUS";

/// The apps of the repository, whose files are valid.
const APPS: [&str; 2] = [".", "tests/apps/shop"];

/// Fewer files mean that the tests have not written them.
const MIN_FILES: usize = 100;

/// Validates each file, and prints the verdicts that are not as expected.
const VALIDATE: &str = "const [modules, schemas, corpus] = process.argv.slice(1);
const fs = require('fs'), path = require('path');
const Ajv = require(path.join(modules, 'ajv/dist/2020')).default;
const YAML = require(path.join(modules, 'yaml'));
const ajv = new Ajv({ allowUnionTypes: true, strict: true, strictRequired: false });
const { app, domain } = JSON.parse(fs.readFileSync(schemas, 'utf8'));
const validators = { app: ajv.compile(app), domain: ajv.compile(domain) };
const wrong = [];
let accepted = 0, refused = 0;
for (const name of fs.readdirSync(corpus)) {
  const file = JSON.parse(fs.readFileSync(path.join(corpus, name), 'utf8'));
  let verdict = true, why = '';
  try {
    // Duplicate keys of other tools are none of Fulcrum's business.
    const value = YAML.parse(file.text, { merge: true, uniqueKeys: false, logLevel: 'error' });
    verdict = validators[file.kind](value ?? null);
    why = ajv.errorsText(validators[file.kind].errors);
  } catch (error) { verdict = false; why = String(error); }
  verdict ? accepted++ : refused++;
  if (file.valid && !verdict) wrong.push({ ...file, why });
  if (file.wrong.length && verdict) wrong.push({ ...file, why: 'accepted' });
}
console.log(JSON.stringify({ accepted, refused, wrong }));";

/// Compares both on all files.
///
/// # Errors
/// An npm or a test that fails, or the files about which both disagree.
pub(crate) fn check() -> anyhow::Result<()> {
    let tool = workspace::tools()?.join(PACKAGES.join("-").replace('@', "-"));
    node_tools::install(&tool, &PACKAGES)?;
    let dir = tempfile::tempdir()?;
    let corpus = dir.path().join("corpus");
    fs::create_dir(&corpus)?;
    CommandRunner::cargo()
        .args([
            "test",
            "--quiet",
            "-p",
            "fulcrum-config",
            "--test",
            "behavior",
        ])
        .env(CORPUS_VAR, &corpus)
        .run_checked()?;
    add_apps(&corpus)?;
    let files = fs::read_dir(&corpus)?.count();
    ensure!(files >= MIN_FILES, "the tests have written {files} files");
    let schemas = dir.path().join("schemas.json");
    let both = json!({ "app": app_json_schema(), "domain": domain_json_schema() });
    fs::write(&schemas, both.to_string())?;
    let text = CommandRunner::new("node", workspace::root())
        .args(["-e", VALIDATE])
        .arg(tool.join("node_modules"))
        .arg(&schemas)
        .arg(&corpus)
        .stdout()?;
    let result: Value = serde_json::from_str(&text).context("the output of node is not JSON")?;
    let wrong = result["wrong"].as_array().context("the verdicts")?;
    if !wrong.is_empty() {
        let texts = wrong.iter().map(describe);
        bail!(
            "{} of {files} files:\n{}",
            wrong.len(),
            texts.collect::<Vec<_>>().join("\n")
        );
    }
    println!(
        "schemas: {} accepts {} of {files} configuration files and refuses {}, as Fulcrum does by \
         their shape",
        PACKAGES[0], result["accepted"], result["refused"]
    );
    Ok(())
}

fn describe(file: &Value) -> String {
    let text = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
    format!(
        "--- of {}, {}: {}\n{}",
        text("kind"),
        if file["valid"] == true {
            "valid".to_owned()
        } else {
            file["wrong"].to_string()
        },
        text("why"),
        text("text")
    )
}

/// Adds the files of the repository's apps.
fn add_apps(corpus: &Path) -> anyhow::Result<()> {
    for (number, app) in APPS.iter().enumerate() {
        let root = workspace::root().join(app);
        let domains = fs::read_dir(root.join("domains")).into_iter().flatten();
        let domains = domains.flatten().map(|entry| entry.path());
        let files = domains
            .map(|dir| ("domain", dir))
            .chain([("app", root.clone())]);
        for (index, (kind, dir)) in files.enumerate() {
            let Ok(text) = fs::read_to_string(dir.join("fulcrum.yml")) else {
                continue;
            };
            let file = json!({ "kind": kind, "text": text, "valid": true, "wrong": [] });
            fs::write(
                corpus.join(format!("app-{number}-{index}.json")),
                file.to_string(),
            )?;
        }
    }
    Ok(())
}
