//! Generates code from a program, with the source position of each place in it.

use swc_common::sync::Lrc;
use swc_common::{BytePos, SourceMap, Span};
use swc_ecma_ast::Program;
use swc_ecma_codegen::text_writer::WriteJs;
use swc_ecma_codegen::{Config, Emitter};

/// Generated code.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    pub(crate) code: String,
    /// Byte offsets in the code and the positions in the source that they are from, by offset.
    pub(crate) marks: Vec<(usize, BytePos)>,
}

/// Generates the code of a program, without comments and indentation.
pub(crate) fn generate(program: &Program, map: &Lrc<SourceMap>) -> std::io::Result<Generated> {
    let mut generated = Generated::default();
    let mut emitter = Emitter {
        cfg: Config::default().with_reduce_escaped_newline(false),
        cm: Lrc::clone(map),
        comments: None,
        wr: Writer(&mut generated),
    };
    emitter.emit_program(program)?;
    Ok(generated)
}

/// Appends what is written; the layout is made later.
struct Writer<'a>(&'a mut Generated);

type Written = std::io::Result<()>;

impl Writer<'_> {
    fn push(&mut self, span: Option<Span>, text: &str) -> Written {
        if let Some(span) = span {
            self.add_srcmap(span.lo)?;
        }
        self.0.code.push_str(text);
        Ok(())
    }
}

impl WriteJs for Writer<'_> {
    fn increase_indent(&mut self) -> Written {
        Ok(())
    }

    fn decrease_indent(&mut self) -> Written {
        Ok(())
    }

    fn write_semi(&mut self, span: Option<Span>) -> Written {
        self.push(span, ";")
    }

    fn write_space(&mut self) -> Written {
        self.push(None, " ")
    }

    fn write_keyword(&mut self, span: Option<Span>, text: &'static str) -> Written {
        self.push(span, text)
    }

    fn write_operator(&mut self, span: Option<Span>, text: &str) -> Written {
        self.push(span, text)
    }

    fn write_param(&mut self, text: &str) -> Written {
        self.push(None, text)
    }

    fn write_property(&mut self, text: &str) -> Written {
        self.push(None, text)
    }

    fn write_line(&mut self) -> Written {
        self.push(None, "\n")
    }

    fn write_lit(&mut self, span: Span, text: &str) -> Written {
        self.push(Some(span), text)
    }

    fn write_comment(&mut self, _: &str) -> Written {
        Ok(())
    }

    fn write_str_lit(&mut self, span: Span, text: &str) -> Written {
        self.push(Some(span), text)
    }

    fn write_str(&mut self, text: &str) -> Written {
        self.push(None, text)
    }

    fn write_symbol(&mut self, span: Span, text: &str) -> Written {
        self.push(Some(span), text)
    }

    fn write_punct(&mut self, span: Option<Span>, text: &'static str, _: bool) -> Written {
        self.push(span, text)
    }

    fn care_about_srcmap(&self) -> bool {
        true
    }

    fn add_srcmap(&mut self, at: BytePos) -> Written {
        if !at.is_dummy() && !at.is_reserved_for_comments() {
            self.0.marks.push((self.0.code.len(), at));
        }
        Ok(())
    }

    fn commit_pending_semi(&mut self) -> Written {
        Ok(())
    }
}
