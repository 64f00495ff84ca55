//! Lays generated code out on the lines of its source.
//!
//! V8's call sites know no source maps, so each token of the generated code is put on the line, and
//! where possible on the column, that it has in the source. Tokens that the transform added or moved
//! follow the token before them. What is moved is decided by the longest run of tokens whose lines
//! don't decrease: the rest is out of order.

use swc_ecma_parser::unstable::{Capturing, Token, TokenAndSpan};
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, lexer::Lexer};

use super::source_lines::SourceLines;
use super::source_map::Mapping;
use super::transform::Generated;

/// Code on the lines of its source.
#[derive(Debug, Default)]
pub(super) struct LaidOut {
    pub(super) code: String,
    pub(super) mappings: Vec<Mapping>,
}

/// A token of the generated code.
struct Piece {
    start: usize,
    end: usize,
    token: Token,
    /// The place in the source, from 0.
    source: Option<(u32, u32)>,
}

/// Lays out generated code. `offset_of` gives the byte offset in the source of a position.
pub(super) fn lay_out(
    generated: &Generated,
    source: &SourceLines<'_>,
    offset_of: &dyn Fn(swc_common::BytePos) -> Option<usize>,
) -> LaidOut {
    let pieces = pieces(generated, source, offset_of);
    let anchored = in_order(&pieces);
    let mut writer = Writer::default();
    let mut previous: Option<&Piece> = None;
    for (piece, is_anchored) in pieces.iter().zip(anchored) {
        let text = &generated.code[piece.start..piece.end];
        let before = previous.map(|previous| &generated.code[previous.start..previous.end]);
        let target = piece.source.filter(|_| is_anchored);
        let has_space = previous.is_some_and(|previous| previous.end < piece.start);
        let may_break = before.is_none_or(|before| may_break(before, piece.token));
        writer.advance(target, may_break, has_space);
        if let Some((source_line, source_column)) = piece.source {
            writer.output.mappings.push(Mapping {
                line: writer.line,
                column: writer.column,
                source_line,
                source_column,
            });
        }
        writer.push(text);
        previous = Some(piece);
    }
    writer.output.code.push('\n');
    writer.output
}

/// The tokens of the generated code, with their places in the source.
fn pieces(
    generated: &Generated,
    source: &SourceLines<'_>,
    offset_of: &dyn Fn(swc_common::BytePos) -> Option<usize>,
) -> Vec<Piece> {
    let mut pieces = marked_pieces(generated, source, offset_of);
    mark_indirect_calls(&generated.code, &mut pieces);
    pieces
}

/// `(0, module.name)(…)`: a call of an imported function. V8 reports a call of this form at its second
/// parenthesis; in the source it is a call of a name, which is reported at the name.
fn mark_indirect_calls(code: &str, pieces: &mut [Piece]) {
    let texts = |piece: &Piece| &code[piece.start..piece.end];
    for at in 0..pieces.len().saturating_sub(7) {
        let call = &mut pieces[at..at + 8];
        let is_call = texts(&call[0]) == "("
            && texts(&call[1]) == "0"
            && texts(&call[2]) == ","
            && texts(&call[4]) == "."
            && texts(&call[6]) == ")"
            && matches!(texts(&call[7]), "(" | "?.");
        if is_call && let Some(place) = call[3].source {
            for piece in call {
                piece.source = Some(place);
            }
        }
    }
}

/// The tokens with the places that are known of each.
fn marked_pieces(
    generated: &Generated,
    source: &SourceLines<'_>,
    offset_of: &dyn Fn(swc_common::BytePos) -> Option<usize>,
) -> Vec<Piece> {
    let mut marks = generated.marks.iter().peekable();
    // Where the token before ends in the source, if it is there unchanged.
    let mut source_end: Option<usize> = None;
    tokens(&generated.code)
        .into_iter()
        .map(|(token, start, end)| {
            let text = &generated.code[start..end];
            let mut place = None;
            // The last mark of an offset is that of the innermost node.
            while let Some((offset, at)) = marks.next_if(|(offset, _)| *offset <= start) {
                if *offset == start {
                    place = offset_of(*at).or(place);
                }
            }
            // Punctuation has no marks; it follows what is before it, as in the source.
            let place = place.or_else(|| {
                let next = source.next_token(source_end?);
                source.text_from(next).starts_with(text).then_some(next)
            });
            source_end = place
                .filter(|offset| source.text_from(*offset).starts_with(text))
                .map(|offset| offset + text.len());
            Piece {
                start,
                end,
                token,
                source: place.map(|offset| source.place(offset)),
            }
        })
        .collect()
}

/// The tokens of JavaScript with their byte ranges. Code that cannot be parsed is one token.
fn tokens(code: &str) -> Vec<(Token, usize, usize)> {
    let map = swc_common::SourceMap::default();
    let file = map.new_source_file(swc_common::FileName::Anon.into(), code.to_owned());
    let syntax = EsSyntax {
        import_attributes: true,
        allow_return_outside_function: true,
        allow_super_outside_method: true,
        explicit_resource_management: true,
        ..EsSyntax::default()
    };
    let lexer = Capturing::new(Lexer::new(
        Syntax::Es(syntax),
        swc_ecma_ast::EsVersion::latest(),
        StringInput::from(&*file),
        None,
    ));
    let mut parser = Parser::new_from(lexer);
    if parser.parse_program().is_err() {
        return vec![(Token::Semi, 0, code.len())];
    }
    let tokens = parser.input_mut().iter_mut().take();
    let offset = |at: swc_common::BytePos| (at - file.start_pos).0 as usize;
    let range = |token: TokenAndSpan| (token.token, offset(token.span.lo), offset(token.span.hi));
    let mut ranges: Vec<(Token, usize, usize)> = Vec::with_capacity(tokens.len());
    for (token, start, end) in tokens.into_iter().map(range) {
        let continues = matches!(token, Token::TemplateMiddle | Token::TemplateTail);
        match ranges.last_mut() {
            // The text of a template goes on right after the brace: nothing may be inserted.
            Some(brace) if continues && brace.2 == start => *brace = (token, brace.1, end),
            _ if start < end => ranges.push((token, start, end)),
            _ => {}
        }
    }
    ranges
}

/// Whether a line break may be inserted between two tokens: not where the grammar forbids it, and
/// not where it would end a statement.
fn may_break(before: &str, token: Token) -> bool {
    let restricts = matches!(
        before,
        "return" | "throw" | "break" | "continue" | "yield" | "async" | "accessor" | "using"
    );
    let is_postfix = matches!(token, Token::PlusPlus | Token::MinusMinus)
        && before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | ')' | ']'));
    let is_using = before == "await" && token == Token::Using;
    !restricts && !is_postfix && !is_using && token != Token::Arrow
}

/// For each piece, whether it belongs to the longest run of pieces whose lines don't decrease.
fn in_order(pieces: &[Piece]) -> Vec<bool> {
    // The last piece of the best run of each length, and the piece before each piece in its run.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; pieces.len()];
    let line_of = |index: usize| pieces[index].source.map_or(0, |(line, _)| line);
    for (index, piece) in pieces.iter().enumerate() {
        if piece.source.is_none() {
            continue;
        }
        let line = line_of(index);
        let length = tails.partition_point(|tail| line_of(*tail) <= line);
        before[index] = length.checked_sub(1).map(|shorter| tails[shorter]);
        if length == tails.len() {
            tails.push(index);
        } else {
            tails[length] = index;
        }
    }
    let mut is_in_run = vec![false; pieces.len()];
    let mut next = tails.last().copied();
    while let Some(index) = next {
        is_in_run[index] = true;
        next = before[index];
    }
    is_in_run
}

/// Appends tokens and keeps count of the place.
#[derive(Default)]
struct Writer {
    output: LaidOut,
    line: u32,
    column: u32,
}

impl Writer {
    /// Moves to the place of a token, as far as that is possible.
    fn advance(&mut self, target: Option<(u32, u32)>, may_break: bool, has_space: bool) {
        if let Some((line, _)) = target
            && line > self.line
            && may_break
        {
            for _ in self.line..line {
                self.output.code.push('\n');
            }
            (self.line, self.column) = (line, 0);
        } else if has_space {
            self.output.code.push(' ');
            self.column += 1;
        }
        if let Some((line, column)) = target
            && line == self.line
            && column > self.column
        {
            let spaces = (column - self.column) as usize;
            self.output.code.extend(std::iter::repeat_n(' ', spaces));
            self.column = column;
        }
    }

    fn push(&mut self, text: &str) {
        self.output.code.push_str(text);
        if text.is_ascii() && !text.contains(['\n', '\r']) {
            self.column += u32::try_from(text.len()).unwrap_or(u32::MAX);
            return;
        }
        let lines = SourceLines::new(text);
        let (line, column) = lines.place(text.len());
        if line > 0 {
            self.column = 0;
        }
        self.line += line;
        self.column += column;
    }
}

#[cfg(test)]
mod tests;
