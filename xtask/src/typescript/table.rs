//! The printed table: a line for each row, then what needs attention, then the figures.

use std::fmt;

use super::results::{Differences, Outcome, summaries};
use crate::node_tools::NodeVersion;

/// The outcomes of all rows, ordered by row.
pub(super) struct Table<'a> {
    pub(super) outcomes: &'a [Outcome<'a>],
    pub(super) nodes: &'a [NodeVersion],
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows(f)?;
        self.failures(f)?;
        self.notes(f)?;
        self.summary(f)
    }
}

impl Table<'_> {
    fn rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .outcomes
            .iter()
            .map(|one| one.row.title.chars().count());
        let width = width.max().unwrap_or_default() + 2;
        let mut area = "";
        for same in self.outcomes.chunk_by(|a, b| std::ptr::eq(a.row, b.row)) {
            let Some(row) = same.first().map(|one| one.row) else {
                continue;
            };
            if row.area != area {
                area = &row.area;
                write!(f, "\n{area:<width$}")?;
                for node in self.nodes {
                    write!(f, "  {:18}", format!("node {node}"))?;
                }
                write!(f, "\n{:width$}", "")?;
                writeln!(f, "{}", "  fulcrum tsx  node ".repeat(self.nodes.len()))?;
            }
            write!(f, "  {:<width$}", row.title, width = width - 2)?;
            for node in self.nodes {
                match same.iter().find(|one| one.node == *node) {
                    Some(one) => write!(
                        f,
                        "  {:7} {:4} {:4} ",
                        word(Some(&one.fulcrum), "FAIL"),
                        word(Some(&one.tsx), "no"),
                        word(one.native.as_ref(), "no"),
                    )?,
                    None => write!(f, "{:20}", "")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.outcomes.iter().filter(|one| !one.fulcrum.is_empty());
        for one in failed {
            let (file, line) = &one.row.place;
            let behind = if one.is_behind_tsx() {
                " (tsx passes)"
            } else {
                ""
            };
            writeln!(f, "\nFAIL  node {}: {}{behind}", one.node, one.row.name())?;
            writeln!(f, "      {}:{line}", file.display())?;
            for difference in &one.fulcrum {
                writeln!(f, "      {difference}")?;
            }
        }
        Ok(())
    }

    /// Rows that say something else about tsx than what it does.
    fn notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in self.outcomes.iter().filter(|one| one.contradicts_note()) {
            let (file, line) = &one.row.place;
            let what = if one.tsx.is_empty() {
                "tsx passes, and the row says that it fails".to_owned()
            } else {
                format!(
                    "tsx fails, and the row does not say why: {}",
                    one.tsx.join("; ")
                )
            };
            writeln!(f, "\nNOTE  node {}: {}", one.node, one.row.name())?;
            writeln!(f, "      {}:{line}: {what}", file.display())?;
        }
        Ok(())
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n          rows  fulcrum   tsx  node --experimental-transform-types  fulcrum beats tsx  tsx beats fulcrum"
        )?;
        for one in summaries(self.outcomes, self.nodes) {
            let native = one
                .native
                .map_or_else(|| "-".to_owned(), |count| count.to_string());
            writeln!(
                f,
                "node {:5} {:3}  {:7}  {:4}  {native:>35}  {:17}  {:17}",
                one.node, one.rows, one.fulcrum, one.tsx, one.beats, one.behind,
            )?;
        }
        Ok(())
    }
}

fn word(differences: Option<&Differences>, failed: &'static str) -> &'static str {
    match differences {
        None => "-",
        Some(differences) if differences.is_empty() => "pass",
        Some(_) => failed,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::super::parse::parse;
    use super::*;

    #[test]
    fn the_table_reads_like_this() {
        let text = "# Area\n## a row\n- tsx: fails: why\n```ts a.ts\n```\n```stdout\n```\n\
                    ## b\n```ts a.ts\n```\n```stdout\n```\n";
        let rows = parse(Path::new("x.md"), text).unwrap();
        let nodes = ["20", "24"].map(|name| NodeVersion::named(name).unwrap());
        let outcome = |row: usize, node: usize, fulcrum: &str, tsx: &str| {
            let list = |text: &str| {
                if text.is_empty() {
                    vec![]
                } else {
                    vec![text.to_owned()]
                }
            };
            Outcome {
                row: &rows[row],
                node: nodes[node],
                fulcrum: list(fulcrum),
                tsx: list(tsx),
                native: (node == 1).then(Vec::new),
                planned: Duration::ZERO,
                ran: Duration::ZERO,
            }
        };
        let outcomes = [
            outcome(0, 0, "", "x"),
            outcome(0, 1, "", "x"),
            outcome(1, 1, "wrong", ""),
        ];
        let table = Table {
            outcomes: &outcomes,
            nodes: &nodes,
        };
        let expected = "
Area     node 20             node 24           
         fulcrum tsx  node   fulcrum tsx  node 
  a row  pass    no   -      pass    no   pass 
  b                          FAIL    pass pass 

FAIL  node 24: Area: b (tsx passes)
      x.md:8
      wrong

          rows  fulcrum   tsx  node --experimental-transform-types  fulcrum beats tsx  tsx beats fulcrum
node 20      1        1     0                                    -                  1                  0
node 24      2        1     1                                    2                  1                  1
";
        assert_eq!(table.to_string(), expected);
    }
}
