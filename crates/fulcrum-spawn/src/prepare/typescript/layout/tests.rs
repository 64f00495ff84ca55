//! Layout changes nothing but the places of tokens.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use swc_common::{EqIgnoreSpan, GLOBALS, Globals};
use swc_ecma_ast::Program;

use super::super::compile_options::{CompileOptions, Decorators, FileKind, Jsx, JsxMode};
use super::super::parse::{Language, ParsedFile, Problem, parse};
use super::super::strip::{Format, isolated};
use super::super::survey::survey;
use super::super::transform::transform;
use super::*;

/// The generated code, and the code after its layout.
struct Result {
    generated: String,
    laid_out: LaidOut,
    source: String,
}

fn lay_out_source(path: &Path, text: &str, options: &CompileOptions) -> Option<Result> {
    isolated(path, text, |text| {
        GLOBALS.set(&Globals::new(), || {
            let file = parse(path, text, options.kind == FileKind::Module)?;
            let survey = survey(&file.program);
            // What the compiler rejects before.
            if options.decorators == Decorators::Standard && survey.parameter_decorator.is_some() {
                let message = String::new();
                return Err(Problem { offset: 0, message });
            }
            let format = match options.kind {
                FileKind::Module => Format::Module,
                _ => Format::CommonJs,
            };
            let output = transform(&file, &survey, options, format).expect("code is generated");
            let lines = SourceLines::new(&file.file.src);
            let laid_out = lay_out(&output.generated, &lines, &|at| file.offset(at));
            Ok(Result {
                generated: output.generated.code,
                laid_out,
                source: file.file.src.to_string(),
            })
        })
    })
    .ok()
}

fn program(code: &str) -> Program {
    let file: ParsedFile = parse(Path::new("a.js"), code.to_owned(), false)
        .unwrap_or_else(|problem| panic!("{problem:?} in\n{code}"));
    file.program
}

/// The first lines in which the syntax trees differ.
fn first_difference(before: &Program, after: &Program) -> String {
    let lines = |program: &Program| -> Vec<String> {
        let text = format!("{program:#?}");
        let lines = text.lines().map(str::to_owned);
        lines
            .filter(|line| {
                let word = line.trim_start();
                !word.starts_with("span:") && !word.starts_with("lo:") && !word.starts_with("hi:")
            })
            .collect()
    };
    let (before, after) = (lines(before), lines(after));
    let is_different = |index: &usize| before.get(*index) != after.get(*index);
    let index = (0..before.len()).find(is_different).unwrap_or_default();
    let around = index.saturating_sub(12)..(index + 4).min(before.len().min(after.len()));
    format!(
        "{:#?} became {:#?}",
        &before[around.clone()],
        &after[around]
    )
}

/// Checks that the layout kept the program, and that its mappings are places in both texts.
fn check(result: &Result) {
    let Result {
        generated,
        laid_out,
        source,
    } = result;
    let texts = |code: &str| -> Vec<String> {
        let tokens = tokens(code).into_iter();
        tokens
            .map(|(_, start, end)| code[start..end].to_owned())
            .collect()
    };
    let (before, after) = (texts(generated), texts(&laid_out.code));
    let different = (0..before.len()).find(|index| before.get(*index) != after.get(*index));
    if let Some(index) = different {
        let around = |texts: &[String]| {
            let texts = texts.iter().skip(index.saturating_sub(8)).take(12);
            texts.cloned().collect::<Vec<_>>().join(" ")
        };
        panic!(
            "the tokens changed: {} became {}",
            around(&before),
            around(&after)
        );
    }
    let (before, after) = (program(generated), program(&laid_out.code));
    assert!(
        before.eq_ignore_span(&after),
        "the program changed: {}",
        first_difference(&before, &after)
    );
    let (code, source) = (SourceLines::new(&laid_out.code), SourceLines::new(source));
    let mut before = (0, 0);
    for mapping in &laid_out.mappings {
        assert!(before <= (mapping.line, mapping.column));
        before = (mapping.line, mapping.column);
        assert!(code.has_place(mapping.line, mapping.column));
        assert!(source.has_place(mapping.source_line, mapping.source_column));
    }
}

/// The share of the mapped tokens that are on their line.
fn share_on_line(laid_out: &LaidOut) -> f64 {
    let mappings = &laid_out.mappings;
    let on_line = mappings.iter().filter(|m| m.line == m.source_line).count();
    if mappings.is_empty() {
        return 1.0;
    }
    on_line as f64 / mappings.len() as f64
}

fn options(kind: FileKind, decorators: Decorators, define_fields: bool) -> CompileOptions {
    CompileOptions {
        kind,
        decorators,
        define_fields,
        lower_using: true,
        jsx: Jsx {
            mode: JsxMode::Automatic { development: false },
            ..Jsx::default()
        },
        ..CompileOptions::default()
    }
}

fn variants() -> [CompileOptions; 4] {
    [
        options(FileKind::Module, Decorators::Standard, true),
        options(FileKind::CommonJs, Decorators::Standard, false),
        options(
            FileKind::CommonJs,
            Decorators::Legacy {
                metadata: true,
                strict_null_checks: false,
            },
            true,
        ),
        options(
            FileKind::Module,
            Decorators::Legacy {
                metadata: false,
                strict_null_checks: false,
            },
            false,
        ),
    ]
}

/// A program of awkward pieces: each must survive its layout in every combination.
const PIECES: &[&str] = &[
    "enum E { A,\n B = 'b',\n  C = A + 2 }\n",
    "const f = async (\n  x: number,\n) => {\n  return (\n    await x\n  );\n};\n",
    "let i = 0;\ni\n++\ni\n",
    "++j0;\n",
    "let j0 = 1; j0--;\n",
    "const t = `a\n${1 +\n 2}\n  b${`c\n${3}`}`;\n",
    "const r = /a[/]\\/b/gi.test('x') ? 4 / 2 / 1 : 1;\n",
    "function* g() {\n  yield (\n    1\n  );\n  yield\n  yield* [\n  ];\n}\n",
    "label: for (;;) {\n  break label;\n}\n",
    "for (const x of [1]) { if (x) continue; else break }\n",
    "class K<T> {\n  private static async *m(this: any) { yield 1 }\n  get\n  x() { return 1 }\n  static\n  y = 2;\n  #p = 3;\n  constructor(private a: number) {}\n}\n",
    "function th() {\n  throw (\n    new Error('x')\n  );\n}\n",
    "try { JSON.parse('x') } catch { } finally { }\n",
    "const o = { async a() {}, get b() { return 1 }, async *c() {}, ['d' + 1]: 2, e };\nvar e;\n",
    "promise\n  .then((v: any) => v?.a?.[0]?.(1))\n  // a comment\n  .catch(() => ({}));\nvar promise = Promise.resolve({});\n",
    "if (a1) b1()\nelse if (!a1) { b1() }\nvar a1 = 1; function b1() {}\n",
    "do { a2++ } while (a2 < 3)\nvar a2 = 0;\n",
    "switch (1 as number) {\n  case 1:\n    a3();\n  default:\n}\nfunction a3() {}\n",
    "namespace N {\n  export const x = 1;\n}\n",
    "const s = 'a\\\n b';\n",
    "const u = '\u{2028}\u{e9}\u{1f600}';\nconst after = `\u{2029}`;\n",
    "(function () {\n  using = 1;\n  var using: number, async = 2, of = 3;\n  async\n  of\n})();\n",
    "const n = 1..toFixed() + (1.5).toFixed() + 0x1f + 1_000 + Number(10n);\n",
    "const neg = - -1 + +1 - --k + +-1;\nvar k = 1;\n",
    "new (class { static { a4 = 1 } })\nvar a4;\n",
    "export const ex = 1;\nexport default (\n  function () {}\n);\n",
    "import fs, { join as j } from 'node:path';\nj(fs.sep);\n",
    "@dec\nclass D {\n  @dec m(@(dec as any) a: string) {}\n}\nfunction dec(...a: any[]): any {}\n",
    "class DS {\n  @sd x = 1;\n  @sd m() {}\n}\nfunction sd(...a: any[]): any {}\n",
    "{\n  using res = { [Symbol.dispose]() {} };\n  void res;\n}\n",
    "void (<any>1);\nlet { a5, ...b5 } = { a5: 1 } as any;\n",
];

#[test]
fn each_piece_survives_its_layout() {
    for piece in PIECES {
        for options in variants() {
            if let Some(result) = lay_out_source(Path::new("a.ts"), piece, &options) {
                check(&result);
            }
        }
    }
    // The pieces are not rejected by a mistake of theirs.
    let count = |piece: &&&str| {
        let accepted = |options| lay_out_source(Path::new("a.ts"), piece, &options).is_some();
        variants().into_iter().any(accepted)
    };
    assert_eq!(PIECES.iter().filter(count).count(), PIECES.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_survive_their_layout(
        order in proptest::collection::vec(0..PIECES.len(), 1..12),
        line_end in prop_oneof![Just("\n"), Just("\r\n")],
        variant in 0_usize..4,
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let text: String = order
            .iter()
            .filter(|piece| seen.insert(**piece))
            .map(|piece| PIECES[*piece])
            .collect();
        let text = text.replace('\n', line_end);
        let path = Path::new("a.ts");
        if let Some(result) = lay_out_source(path, &text, &variants()[variant]) {
            check(&result);
        }
    }
}

#[test]
fn statements_stay_on_their_lines() {
    let text = "import { a } from './a';\n\n// comment\nenum E {\n  A = a,\n}\n\nexport function f() {\n\n  \
                return (\n    E.A\n  );\n}\n\nclass C {\n  constructor(private x = 1) {}\n\n  m() { return this.x }\n}\n\
                f(); new C()\n  .m();\n";
    for options in variants() {
        let result = lay_out_source(Path::new("a.ts"), text, &options).expect("it is valid");
        check(&result);
        for (number, line) in text.lines().enumerate() {
            let words = [
                "import",
                "enum",
                "function",
                "return",
                "E.A",
                "class",
                "constructor",
                "m()",
                "f()",
                ".m",
            ];
            let Some(word) = words.iter().find(|word| line.contains(**word)) else {
                continue;
            };
            let word = match *word {
                "import" => "./a",
                "enum" => "E",
                "function" => "f()",
                word => word,
            };
            let laid_out = result.laid_out.code.lines().nth(number).unwrap_or_default();
            assert!(
                laid_out.contains(word),
                "{number}: {word}\n{}",
                result.laid_out.code
            );
        }
    }
}

#[test]
fn what_the_parser_rejects_is_left_as_it_is() {
    let generated = Generated {
        code: "let let = ;".to_owned(),
        marks: Vec::new(),
    };
    let laid_out = lay_out(&generated, &SourceLines::new("x"), &|_| None);
    assert_eq!(laid_out.code, "let let = ;\n");
}

/// `cargo test -p fulcrum-spawn --lib layout:: -- --ignored --nocapture` with `CORPUS` set to
/// directories of TypeScript, separated by `:`.
#[test]
#[ignore = "needs a corpus"]
#[expect(clippy::disallowed_macros, reason = "whoever runs it reads the result")]
fn a_corpus_survives_its_layout() {
    let corpus = std::env::var("CORPUS").expect("CORPUS is set");
    let mut dirs: Vec<PathBuf> = corpus.split(':').map(Into::into).collect();
    let (mut count, mut shares, mut rejected) = (0, Vec::new(), Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                dirs.push(path);
                continue;
            }
            let name = path.to_string_lossy();
            if !Language::of(&path).typescript
                || name.ends_with(".d.ts")
                || name.ends_with(".d.mts")
            {
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            for options in variants() {
                if let Some(result) = lay_out_source(&path, &text, &options) {
                    check(&result);
                    count += 1;
                    shares.push((
                        share_on_line(&result.laid_out),
                        (path.clone(), options.kind, options.decorators),
                    ));
                } else {
                    rejected.push(path.clone());
                }
            }
        }
    }
    shares.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = shares.iter().map(|(share, _)| share).sum::<f64>() / shares.len().max(1) as f64;
    println!(
        "{count} layouts, mean share on line {mean:.4}, worst {:#?}",
        &shares[..shares.len().min(12)]
    );
    rejected.dedup();
    println!("rejected: {rejected:#?}");
    assert!(count > 0 && mean > 0.97);
}
