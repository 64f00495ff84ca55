//! Rows from Markdown.
//!
//! `# ` begins an area and `## ` a row. A row has a list of properties, `- name: value`, which an area
//! may have for all its rows. Its files are code blocks, ```` ```ts main.ts ````, followed by blocks of
//! what is expected: ```` ```stdout ````, ```` ```error ```` and ```` ```warning ````.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::row::{Breakpoint, Expected, Flag, NodeRange, PeerFailure, Row, RowFile};

/// All rows of a directory, in the order of its files.
///
/// # Errors
/// A file that cannot be read, or with a mistake; with its place.
pub(super) fn rows_of(directory: &Path) -> anyhow::Result<Vec<Row>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        rows.extend(parse(&file, &text)?);
    }
    Ok(rows)
}

/// The rows of one file.
///
/// # Errors
/// A mistake, with its line.
pub(super) fn parse(file: &Path, text: &str) -> anyhow::Result<Vec<Row>> {
    let mut area = String::new();
    let mut defaults: Vec<Property<'_>> = Vec::new();
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let place = || format!("{}:{}", file.display(), index + 1);
        if let Some(title) = line.strip_prefix("## ") {
            drafts.push(Draft::new(title, index + 1, &defaults));
        } else if let Some(title) = line.strip_prefix("# ") {
            title.clone_into(&mut area);
        } else if let Some(property) = property(line) {
            match drafts.last_mut() {
                Some(draft) => draft.set(property),
                None => defaults.push(property),
            }
        } else if let Some(info) = line.strip_prefix("```") {
            let block: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "```")
                .collect();
            let draft = drafts.last_mut().with_context(place)?;
            draft.add_block(info, &block).with_context(place)?;
        }
    }
    drafts
        .into_iter()
        .map(|draft| {
            let place = format!("{}:{}", file.display(), draft.line);
            draft.into_row(&area, file).context(place)
        })
        .collect()
}

type Property<'a> = (&'a str, &'a str);

fn property(line: &str) -> Option<Property<'_>> {
    let (name, value) = line.strip_prefix("- ")?.split_once(": ")?;
    name.bytes()
        .all(|byte| byte.is_ascii_lowercase())
        .then_some((name, value))
}

/// A row that is being read.
struct Draft<'a> {
    title: &'a str,
    line: usize,
    properties: Vec<Property<'a>>,
    files: Vec<RowFile>,
    expected: Expected,
}

impl<'a> Draft<'a> {
    fn new(title: &'a str, line: usize, defaults: &[Property<'a>]) -> Self {
        Self {
            title,
            line,
            properties: defaults.to_vec(),
            files: Vec::new(),
            expected: Expected::default(),
        }
    }

    fn set(&mut self, (name, value): Property<'a>) {
        if name != "link" {
            self.properties.retain(|(other, _)| *other != name);
        }
        self.properties.push((name, value));
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self.properties.iter().filter(|(other, _)| *other == name);
        found.next().map(|(_, value)| *value)
    }

    fn add_block(&mut self, info: &str, block: &[&str]) -> anyhow::Result<()> {
        let mut words = info.split_ascii_whitespace();
        let language = words.next().context("a block without a language")?;
        let Some(path) = words.next() else {
            let lines = || block.iter().map(|line| (*line).to_owned()).collect();
            match language {
                "stdout" => self.expected.stdout = Some(block.join("\n")),
                "error" => self.expected.error = lines(),
                "warning" => self.expected.warning = lines(),
                _ => bail!("a block of {language} without the name of a file"),
            }
            return Ok(());
        };
        let text = block.iter().flat_map(|line| [*line, "\n"]).collect();
        self.files.push(RowFile {
            path: decode(path)?,
            text,
            flags: words.map(Flag::parse).collect::<anyhow::Result<_>>()?,
        });
        Ok(())
    }

    fn into_row(self, area: &str, file: &Path) -> anyhow::Result<Row> {
        const KNOWN: [&str; 8] = [
            "type", "options", "node", "entry", "link", "tsx", "break", "either",
        ];
        if let Some((name, _)) = self
            .properties
            .iter()
            .find(|(name, _)| !KNOWN.contains(name))
        {
            bail!("the property {name} is none of {}", KNOWN.join(", "));
        }
        let first = self.files.first().context("a row without files")?;
        let expected = &self.expected;
        ensure!(
            expected.stdout.is_some() || !expected.error.is_empty(),
            "a row without expected output"
        );
        let links = self.properties.iter().filter(|(name, _)| *name == "link");
        let links = links.map(|(_, value)| {
            let (link, target) = value
                .split_once(" -> ")
                .context("a link is written a -> b")?;
            Ok((link.to_owned(), target.to_owned()))
        });
        Ok(Row {
            area: area.to_owned(),
            title: self.title.to_owned(),
            place: (file.to_path_buf(), self.line),
            package_type: self.get("type").map(str::to_owned),
            compiler_options: self.get("options").map(str::to_owned),
            nodes: NodeRange::parse(self.get("node").unwrap_or_default())?,
            entry: self.get("entry").unwrap_or(&first.path).to_owned(),
            links: links.collect::<anyhow::Result<_>>()?,
            tsx: self.get("tsx").map(peer_failure).transpose()?,
            breakpoint: self.get("break").map(breakpoint).transpose()?,
            either: self.get("either").is_some(),
            files: self.files,
            expected: self.expected,
        })
    }
}

/// `fails: REASON` or `fails <22: REASON`.
fn peer_failure(text: &str) -> anyhow::Result<PeerFailure> {
    let parts = text
        .strip_prefix("fails")
        .and_then(|text| text.split_once(": "));
    let (range, reason) = parts.context("it is written `fails: REASON` or `fails <22: REASON`")?;
    Ok(PeerFailure {
        nodes: NodeRange::parse(range)?,
        reason: reason.to_owned(),
    })
}

fn breakpoint(text: &str) -> anyhow::Result<Breakpoint> {
    let (file, line) = text
        .rsplit_once(':')
        .context("a breakpoint is written FILE:LINE")?;
    Ok(Breakpoint {
        file: file.to_owned(),
        line: line.parse()?,
    })
}

/// The name of a file, in which `%20` is a space.
fn decode(name: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let mut parts = name.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let (code, rest) = part.split_at_checked(2).context("% without two digits")?;
        bytes.push(u8::from_str_radix(code, 16)?);
        bytes.extend(rest.bytes());
    }
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Area\n\n- type: module\n\n## A row\n- type: commonjs\n- node: >=22\n\
        - link: a -> b\n- link: c -> d\n- tsx: fails <24: why\n- break: x.ts:3\n\n\
        ```ts a%20b.ts crlf\n1\n2\n```\n```stdout\nout\n```\n```warning\nw\n```\n\n\
        ## Another\n```ts x.ts\n```\n```error\none\ntwo\n```\n";

    #[test]
    fn rows_have_their_own_properties_or_those_of_the_area() {
        let rows = parse(Path::new("x.md"), TEXT).unwrap();
        let [one, two] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!(one.name(), "Area: A row");
        assert_eq!(one.package_type.as_deref(), Some("commonjs"));
        assert_eq!(two.package_type.as_deref(), Some("module"));
        assert_eq!(
            one.links,
            [("a".into(), "b".into()), ("c".into(), "d".into())]
        );
        assert_eq!((one.entry.as_str(), two.entry.as_str()), ("a b.ts", "x.ts"));
        assert_eq!(one.files[0].text, "1\n2\n");
        assert!(one.files[0].has(Flag::Crlf));
        assert_eq!(one.expected.stdout.as_deref(), Some("out"));
        assert_eq!(two.expected.error, ["one", "two"]);
        assert_eq!(one.breakpoint.as_ref().unwrap().line, 3);
        assert_eq!(one.tsx.as_ref().unwrap().reason, "why");
    }

    #[test]
    fn a_mistake_has_its_place() {
        for (text, place) in [
            (
                "# A\n## R\n- typo: x\n```ts a.ts\n```\n```stdout\n```\n",
                "x.md:2",
            ),
            ("# A\n## R\n```ts\n```\n", "x.md:3"),
            ("# A\n## R\n```ts a.ts\n```\n", "x.md:2"),
        ] {
            let error = format!("{:#}", parse(Path::new("x.md"), text).unwrap_err());
            assert!(error.starts_with(place), "{error}");
        }
    }
}
