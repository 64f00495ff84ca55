//! Parses YAML to a tree with positions, within fixed bounds of time and memory.
//!
//! The tree replaces a deserializer, which would stop at the first error, lose positions, and turn
//! `1.10` into a number.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::code::Code;
use crate::diagnostic::quoted;
use crate::node::{Entry, Node, NodeKind, Position};
use crate::spaces;
use crate::yaml_error::{
    KEY_IS_NO_TEXT, MAX_NESTING, YamlError, explain, nesting_too_deep, position_of, syntax,
};

/// An error that is reported beside the tree: a duplicate key, of which the tree contains the first;
/// an unknown tag; an unusual space.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SectionError {
    pub(crate) error: YamlError,
    /// The top-level key that contains it; none at the top level itself.
    pub(crate) section: Option<String>,
}

/// A parsed text.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) errors: Vec<SectionError>,
}

/// The largest number of nodes, with aliases expanded.
const MAX_NODES: usize = 100_000;

/// Parses one document. An empty text is `Null`.
pub(crate) fn parse(text: &str) -> Result<Document, YamlError> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_NESTING,
        block_nesting_limit: MAX_NESTING,
    };
    let mut builder = TreeBuilder {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
        section: None,
        depth: 0,
        reads_key: false,
        errors: Vec::new(),
    };
    let root = builder.document().map_err(|error| explain(error, text))?;
    Ok(Document {
        root,
        errors: builder.errors,
    })
}

struct TreeBuilder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    section: Option<String>,
    depth: usize,
    /// The next node is a key.
    reads_key: bool,
    errors: Vec<SectionError>,
}

impl<'a> TreeBuilder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Node, YamlError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(YamlError {
                        code: Code::SeveralDocuments,
                        position: start_position(&span),
                        message: "a second YAML document starts here".into(),
                        hint: Some("keep one document in the file: remove the `---` line".into()),
                    });
                }
                Event::DocumentStart(..) => {}
                other => root = Some(self.node(other, &span)?.0),
            }
        }
        Ok(root.unwrap_or(Node {
            position: Position { line: 1, column: 1 },
            value: NodeKind::Null,
        }))
    }

    /// Builds the node that starts with `event`, and counts its nodes.
    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<(Node, usize), YamlError> {
        let position = start_position(span);
        let nodes_before = self.nodes;
        let is_key = std::mem::take(&mut self.reads_key);
        self.count(1, position)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let tagged_text = tag
                    .as_ref()
                    .is_some_and(|tag| tag.core_suffix() == Some("str"));
                self.check_tag(tag.as_deref(), position);
                if plain
                    && !is_key
                    && let Some(message) = spaces::in_value(&text)
                {
                    self.report_space(message, position);
                }
                let is_null =
                    plain && !tagged_text && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if is_null {
                    NodeKind::Null
                } else {
                    NodeKind::Scalar {
                        text: text.into_owned(),
                        plain,
                    }
                };
                (value, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), position);
                (self.list(position)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), position);
                (self.map(position)?, anchor)
            }
            Event::Alias(id) => return self.alias(id, position),
            _ => {
                return Err(YamlError {
                    code: Code::YamlSyntax,
                    position,
                    message: "expected a value".into(),
                    hint: None,
                });
            }
        };
        let node = Node { position, value };
        let size = self.nodes - nodes_before;
        if anchor != 0 {
            self.count(size, position)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok((node, size))
    }

    /// Fulcrum gives no meaning to tags, so a value with one would silently be something else.
    fn check_tag(&mut self, tag: Option<&Tag>, position: Position) {
        const CORE: [&str; 7] = ["str", "int", "float", "bool", "null", "map", "seq"];
        let Some(tag) = tag.filter(|tag| !tag.core_suffix().is_some_and(|tag| CORE.contains(&tag)))
        else {
            return;
        };
        self.report(YamlError {
            code: Code::UnknownTag,
            position,
            message: format!("the tag {} has no meaning here", quoted(&tag.to_string())),
            hint: Some(
                "remove it; a text that starts with `!` needs quotes; a variable is `${NAME}`"
                    .into(),
            ),
        });
    }

    fn report_space(&mut self, message: String, position: Position) {
        self.report(YamlError {
            code: Code::UnusualSpace,
            position,
            message,
            hint: Some(spaces::HINT.into()),
        });
    }

    fn report(&mut self, error: YamlError) {
        self.errors.push(SectionError {
            error,
            section: self.section.clone(),
        });
    }

    fn alias(&mut self, id: usize, position: Position) -> Result<(Node, usize), YamlError> {
        let Some(size) = self.anchors.get(&id).map(|(_, size)| *size) else {
            return Err(YamlError {
                code: Code::YamlSyntax,
                position,
                message: "this alias is inside the value that it refers to".into(),
                hint: Some("write the value out, or move the anchor".into()),
            });
        };
        self.count(size, position)?;
        Ok((self.anchors[&id].0.clone(), size))
    }

    fn list(&mut self, position: Position) -> Result<NodeKind, YamlError> {
        self.push_depth(position)?;
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                self.depth -= 1;
                return Ok(NodeKind::Sequence(items));
            }
            items.push(self.node(event, &span)?.0);
        }
    }

    fn map(&mut self, at: Position) -> Result<NodeKind, YamlError> {
        self.push_depth(at)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut first_positions: HashMap<String, Position> = HashMap::new();
        let mut merges = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                self.depth -= 1;
                break;
            }
            self.reads_key = true;
            let (key_node, _) = self.node(event, &span)?;
            let (key, plain) = match key_node.value {
                NodeKind::Scalar { text, plain } => (text, plain),
                NodeKind::Null => ("null".to_owned(), true),
                NodeKind::Sequence(_) | NodeKind::Mapping(_) => {
                    return Err(YamlError {
                        code: Code::YamlSyntax,
                        position: key_node.position,
                        message: KEY_IS_NO_TEXT.into(),
                        hint: None,
                    });
                }
            };
            if plain && let Some(message) = spaces::in_key(&key) {
                self.report_space(message, key_node.position);
            }
            let top = self.depth == 1;
            if top {
                self.section = Some(key.clone());
            }
            let (event, span) = self.next()?;
            let (value, _) = self.node(event, &span)?;
            if top {
                self.section = None;
            }
            if key == "<<" && plain {
                merges.push((key_node.position, value));
                continue;
            }
            if let Some(first) = first_positions.get(&key) {
                self.errors.push(SectionError {
                    error: YamlError {
                        code: Code::DuplicateKey,
                        position: key_node.position,
                        message: format!(
                            "duplicate key {}, first used in line {}",
                            quoted(&key),
                            first.line
                        ),
                        hint: Some("remove one of them".into()),
                    },
                    section: self.section.clone(),
                });
                continue;
            }
            first_positions.insert(key.clone(), key_node.position);
            entries.push(Entry {
                key,
                position: key_node.position,
                value,
            });
        }
        for (position, value) in merges {
            merge(&mut entries, &mut first_positions, position, value)?;
        }
        Ok(NodeKind::Mapping(entries))
    }

    fn push_depth(&mut self, position: Position) -> Result<(), YamlError> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(nesting_too_deep(position));
        }
        Ok(())
    }

    fn count(&mut self, more: usize, position: Position) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            return Err(YamlError {
                code: Code::TooLarge,
                position,
                message: format!("more than {MAX_NODES} values, aliases expanded"),
                hint: Some("look for aliases of aliases".into()),
            });
        }
        Ok(())
    }
}

/// `<<: *base` and `<<: [*a, *b]`: keys of the map itself take precedence, then those of the earlier
/// map.
fn merge(
    entries: &mut Vec<Entry>,
    first_positions: &mut HashMap<String, Position>,
    position: Position,
    value: Node,
) -> Result<(), YamlError> {
    let sources = match value.value {
        NodeKind::Mapping(_) => vec![value],
        NodeKind::Sequence(items) => items,
        NodeKind::Null | NodeKind::Scalar { .. } => Vec::new(),
    };
    if sources.is_empty()
        || sources
            .iter()
            .any(|source| !matches!(source.value, NodeKind::Mapping(_)))
    {
        return Err(YamlError {
            code: Code::YamlSyntax,
            position,
            message: "`<<` takes a map or a list of maps".into(),
            hint: Some("write `<<: *name`, where `&name` marks a map".into()),
        });
    }
    for source in sources {
        if let NodeKind::Mapping(more) = source.value {
            for entry in more {
                if !first_positions.contains_key(&entry.key) {
                    first_positions.insert(entry.key.clone(), entry.position);
                    entries.push(entry);
                }
            }
        }
    }
    Ok(())
}

fn start_position(span: &Span) -> Position {
    position_of(&span.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_and_values_have_positions() {
        let parsed = parse("a: 1\nb:\n  - x\n  - 'ü': [y]\n").expect("valid");
        let entry = parsed.root.get("b").expect("it is there");
        assert_eq!(entry.position, Position { line: 2, column: 1 });
        let NodeKind::Sequence(items) = &entry.value.value else {
            panic!("a list")
        };
        assert_eq!(items[0].position, Position { line: 3, column: 5 });
        let inner = items[1].get("ü").expect("it is there");
        assert_eq!(inner.position, Position { line: 4, column: 5 });
        assert_eq!(
            inner.value.position,
            Position {
                line: 4,
                column: 10
            }
        );
    }

    #[test]
    fn a_duplicate_is_reported_and_the_first_is_used() {
        let parsed = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n").expect("valid");
        let reported: Vec<_> = parsed
            .errors
            .iter()
            .map(|error| (error.error.position.line, error.section.as_deref()))
            .collect();
        assert_eq!(reported, [(2, Some("b")), (3, None)]);
        let NodeKind::Scalar { text, .. } = &parsed.root.get("a").expect("it is there").value.value
        else {
            panic!("a text")
        };
        assert_eq!(text, "1");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_text_is_parsed_without_panic(text in "[a-b:{}\\[\\],&*!|>'\"#%@`<?~ \n\t\r\u{feff}é-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
