//! Env files: 500 generated ones mean the same to Fulcrum and to npm's `dotenv`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, bail, ensure};
use fulcrum_config::read_env_file;

use crate::command::CommandRunner;
use crate::node_tools;
use crate::workspace;

/// The version that is compared with, and that `fulcrum-config` names.
const DOTENV: &str = "dotenv@17.4.2";
const FILES: usize = 500;

/// Prints what `dotenv` parses of each file in a directory, in one JSON object by file name.
const PARSE: &str = "const fs = require('fs'), path = require('path');
const { parse } = require(process.argv[1]);
const dir = process.argv[2], all = {};
for (const name of fs.readdirSync(dir)) all[name] = parse(fs.readFileSync(path.join(dir, name)));
console.log(JSON.stringify(all));";

/// The pieces that files are made of: what people write, and what parsers disagree about.
const NAMES: [&str; 8] = [
    "A",
    "DB_URL",
    "a.b",
    "x-y",
    "1ST",
    "export B",
    " C ",
    "export\tD",
];
const ASSIGNMENTS: [&str; 7] = ["=", " = ", "=  ", ": ", ":", "\t=\t", " "];
const VALUES: [&str; 30] = [
    "",
    "plain",
    "two words",
    " padded ",
    "'single'",
    "\"double\"",
    "`back`",
    "'it''s'",
    "\"a \\\"b\\\" c\"",
    "'a \\' b'",
    "`a \"b\" 'c'`",
    "\"line\\nbreak\\r\"",
    "'line\\nbreak'",
    "\"two\nlines\"",
    "'two\nlines' # c",
    "`two\n\nlines`",
    "a#b",
    "a # comment",
    "#all comment",
    "\"a # b\" # c",
    "\"open",
    "'open # c",
    "\"a\" b",
    "'a'b'",
    "${A}",
    "$A \\$B",
    "http://x/?a=b&c=#d",
    "{\"json\": [1, 'x']}",
    "\u{a0}no-break\u{a0}",
    "größe=ß\u{85}",
];
const ENDS: [&str; 5] = ["\n", "\r\n", "\r", "\n\n", " # end\n"];
const LINES: [&str; 8] = [
    "# comment",
    "",
    "   ",
    "nonsense",
    "=x",
    "A B=1",
    "-",
    "\u{feff}# bom",
];

/// Compares both on all files.
///
/// # Errors
/// An npm that fails, or the first file that means something else.
pub(crate) fn check() -> anyhow::Result<()> {
    let tool = workspace::tools()?.join(DOTENV.replace('@', "-"));
    node_tools::install(&tool, &[DOTENV])?;
    let dir = tempfile::tempdir()?;
    let mut random = Random(0x5eed);
    for number in 0..FILES {
        fs::write(
            dir.path().join(format!("{number}.env")),
            generate(&mut random),
        )?;
    }
    let text = CommandRunner::new("node", workspace::root())
        .args(["-e", PARSE])
        .arg(tool.join("node_modules/dotenv"))
        .arg(dir.path())
        .stdout()?;
    let theirs: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(&text).context("the output of node is not JSON")?;
    ensure!(theirs.len() == FILES, "{} of {FILES} files", theirs.len());
    let mut variables = 0;
    for (name, expected) in theirs {
        let path = dir.path().join(&name);
        let ours = read_env_file(&path).map_err(|error| anyhow::anyhow!("{error}"))?;
        if ours != expected {
            let text = fs::read_to_string(&path)?;
            bail!("{text:?}\n means {expected:?}\n to dotenv, and\n {ours:?}\n to Fulcrum");
        }
        variables += ours.len();
    }
    println!("env files: {FILES} files with {variables} variables mean the same to {DOTENV}");
    Ok(())
}

fn generate(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(7) {
        if random.below(5) == 0 {
            text.push_str(random.pick(&LINES));
        } else {
            text.push_str(random.pick(&NAMES));
            text.push_str(random.pick(&ASSIGNMENTS));
            text.push_str(random.pick(&VALUES));
        }
        text.push_str(random.pick(&ENDS));
    }
    text
}

/// The same files in every run: a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        // Knuth's MMIX generator; its high bits are good enough to choose by.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}
