//! Transforms what type stripping cannot do, with swc's passes and a few of our own.

mod accessors;
mod classes;
mod codegen;
mod decorators;
mod default_names;
mod dynamic_imports;
mod export_getters;
mod helpers;
mod import_meta;
mod metadata;
mod names;
mod namespaces;
mod parentheses;
mod reserved_names;
mod snippet;
mod using;

use rustc_hash::FxHashSet;
use swc_common::sync::Lrc;
use swc_common::util::take::Take;
use swc_common::{BytePos, Mark, Spanned};
use swc_ecma_ast::{Module, ModuleDecl, ModuleItem, Pass, Program, Script};
use swc_ecma_transforms_base::fixer::fixer;
use swc_ecma_transforms_base::helpers::{HELPERS, Helpers};
use swc_ecma_transforms_base::resolver;
use swc_ecma_transforms_module::common_js::{FeatureFlag, common_js};
use swc_ecma_transforms_module::import_analysis::import_analyzer;
use swc_ecma_transforms_module::path::Resolver;
use swc_ecma_transforms_module::util::{Config as CommonJsConfig, ImportInterop};
use swc_ecma_transforms_proposal::decorator_2023_11::decorator_2023_11;
use swc_ecma_transforms_proposal::decorators::{Config as DecoratorsConfig, decorators};
use swc_ecma_transforms_proposal::explicit_resource_management::explicit_resource_management;
use swc_ecma_transforms_react::{Options as JsxOptions, Runtime, jsx};
use swc_ecma_transforms_typescript::{
    Config as TypeScriptConfig, TsImportExportAssignConfig, TsxConfig, tsx, typescript,
};

pub(super) use codegen::Generated;

use names::SourceNames;

use super::compile_options::{CompileOptions, Decorators, JsxMode};
use super::parse::ParsedFile;
use super::strip::Format;
use super::survey::Survey;

/// What a transform produces, besides code.
pub(super) struct Transformed {
    pub(super) generated: Generated,
    /// The program without types, but with its imports and exports: for their names.
    pub(super) module: Program,
    /// The starts of the import statements, and of the names in them, that are not only for types.
    pub(super) kept: FxHashSet<BytePos>,
    /// Modules that the generated code imports and the source does not.
    pub(super) added_imports: Vec<String>,
}

/// Transforms a file to JavaScript of this format.
///
/// # Errors
/// The code cannot be generated.
pub(super) fn transform(
    file: &ParsedFile,
    survey: &Survey,
    options: &CompileOptions,
    format: Format,
) -> std::io::Result<Transformed> {
    let helpers = Helpers::new(false);
    HELPERS.set(&helpers, || {
        let mut passes = Passes::new(file, survey, options, format);
        passes.lower_syntax();
        passes.remove_types();
        let module = passes.program.clone();
        let kept = import_positions(&module, format);
        passes.lower_jsx();
        let added_imports = passes.added_imports(&kept);
        if format == Format::CommonJs {
            passes.lower_modules();
        } else {
            helpers::add_helpers(&mut passes.program, passes.unresolved);
        }
        passes.finish();
        Ok(Transformed {
            generated: codegen::generate(&passes.program, &file.map)?,
            module,
            kept,
            added_imports,
        })
    })
}

struct Passes<'a> {
    file: &'a ParsedFile,
    survey: &'a Survey,
    options: &'a CompileOptions,
    format: Format,
    program: Program,
    names: SourceNames,
    unresolved: Mark,
    top_level: Mark,
}

impl<'a> Passes<'a> {
    fn new(
        file: &'a ParsedFile,
        survey: &'a Survey,
        options: &'a CompileOptions,
        format: Format,
    ) -> Self {
        let mut program = file.program.clone();
        match &mut program {
            Program::Module(module) => module.shebang = None,
            Program::Script(script) => script.shebang = None,
        }
        let (unresolved, top_level) = (Mark::new(), Mark::new());
        program.mutate(resolver(unresolved, top_level, file.language.typescript));
        Self {
            file,
            survey,
            options,
            format,
            names: SourceNames::of(&program),
            program,
            unresolved,
            top_level,
        }
    }

    fn apply(&mut self, pass: impl Pass) {
        self.program.mutate(pass);
    }

    /// Decorators, accessors, `using` and classes.
    fn lower_syntax(&mut self) {
        let program = &mut self.program;
        match self.options.decorators {
            Decorators::Legacy {
                metadata,
                strict_null_checks,
            } => {
                if self.survey.accessor.is_some() {
                    accessors::lower_accessors(program);
                }
                if self.survey.decorator.is_some() {
                    let aliases = decorators::prepare(program);
                    if metadata {
                        metadata::prepare_types(program, strict_null_checks);
                    }
                    program.mutate(decorators(DecoratorsConfig {
                        legacy: true,
                        emit_metadata: metadata,
                        use_define_for_class_fields: self.options.define_fields,
                    }));
                    aliases.complete(program);
                    if metadata {
                        metadata::complete_types(program);
                    }
                }
            }
            Decorators::Standard => {
                if self.survey.decorator.is_some() {
                    as_module(program, |program| program.mutate(decorator_2023_11()));
                }
                if self.survey.accessor.is_some() {
                    accessors::lower_accessors(program);
                }
            }
        }
        if self.options.lower_using && self.survey.using.is_some() {
            using::split_exports(program);
            program.mutate(explicit_resource_management());
        }
        if self.file.language.typescript {
            classes::lower_classes(program, self.options.define_fields);
            namespaces::link_namespaces(program);
        }
    }

    fn remove_types(&mut self) {
        if !self.file.language.typescript {
            return;
        }
        let assignments = match self.format {
            Format::Module => TsImportExportAssignConfig::NodeNext,
            Format::CommonJs if self.program.is_module() => TsImportExportAssignConfig::Preserve,
            Format::CommonJs => TsImportExportAssignConfig::Classic,
        };
        let config = TypeScriptConfig {
            verbatim_module_syntax: self.options.verbatim_module_syntax,
            native_class_properties: true,
            import_export_assign_config: assignments,
            no_empty_export: self.format == Format::CommonJs,
            // Enums stay objects, since another file may use them.
            ts_enum_is_mutable: true,
            ..TypeScriptConfig::default()
        };
        let (unresolved, top_level) = (self.unresolved, self.top_level);
        match (&self.file.comments, self.options.jsx.mode) {
            (Some(comments), JsxMode::Classic) => {
                let pragmas = TsxConfig {
                    pragma: self.options.jsx.factory.clone().map(Into::into),
                    pragma_frag: self.options.jsx.fragment_factory.clone().map(Into::into),
                };
                let map = Lrc::clone(&self.file.map);
                self.apply(tsx(
                    map,
                    config,
                    pragmas,
                    comments.clone(),
                    unresolved,
                    top_level,
                ));
            }
            _ => self.apply(typescript(config, unresolved, top_level)),
        }
        let has_metadata = matches!(
            self.options.decorators,
            Decorators::Legacy { metadata: true, .. }
        );
        if has_metadata && self.format == Format::Module && self.survey.decorator.is_some() {
            metadata::import_namespaces(&mut self.program);
        }
    }

    fn lower_jsx(&mut self) {
        if self.survey.jsx.is_none() {
            return;
        }
        let options = &self.options.jsx;
        let (runtime, development) = match options.mode {
            JsxMode::Automatic { development } => (Runtime::Automatic, development),
            JsxMode::Classic => (Runtime::Classic, false),
        };
        let options = JsxOptions {
            next: Some(true),
            runtime: Some(runtime),
            import_source: options.import_source.clone().map(Into::into),
            pragma: options.factory.clone().map(Into::into),
            pragma_frag: options.fragment_factory.clone().map(Into::into),
            throw_if_namespace: Some(false),
            development: Some(development),
            ..JsxOptions::default()
        };
        self.apply(jsx(
            Lrc::clone(&self.file.map),
            self.file.comments.clone(),
            options,
            self.top_level,
            self.unresolved,
        ));
    }

    /// Lowers imports and exports to CommonJS. `import()` stays: Node has it in CommonJS too.
    fn lower_modules(&mut self) {
        let unresolved = self.unresolved;
        if self.program.is_module() {
            reserved_names::rename_reserved(&mut self.program, self.survey, self.top_level);
            if self.survey.import_meta.is_some() {
                import_meta::replace_import_meta(&mut self.program, unresolved);
            }
            default_names::name_default_exports(&mut self.program);
            self.apply(import_analyzer(ImportInterop::Swc, true));
        }
        dynamic_imports::unwrap_lowered_modules(&mut self.program, unresolved);
        helpers::add_helpers(&mut self.program, unresolved);
        if let Program::Module(module) = &self.program {
            let config = CommonJsConfig {
                // As esbuild does it: a file without exports has `module.exports` as `this`.
                allow_top_level_this: !has_exports(module),
                import_interop: Some(ImportInterop::Swc),
                export_interop_annotation: Some(true),
                ignore_dynamic: true,
                preserve_import_meta: true,
                ..CommonJsConfig::default()
            };
            let features = FeatureFlag {
                support_block_scoping: true,
                support_arrow: true,
            };
            self.apply(common_js(Resolver::Default, unresolved, config, features));
            export_getters::tolerate_early_reads(&mut self.program);
        }
    }

    fn finish(&mut self) {
        self.names.separate(&mut self.program);
        self.apply(fixer(None));
        let file = &self.file.file;
        parentheses::keep_parentheses(&mut self.program, &file.src, file.start_pos);
    }

    /// The modules that are imported by none of the import statements of the source.
    fn added_imports(&self, known: &FxHashSet<BytePos>) -> Vec<String> {
        match &self.program {
            Program::Module(module) => module
                .body
                .iter()
                .filter_map(|item| item.as_module_decl()?.as_import())
                .filter(|import| !known.contains(&import.span.lo))
                .map(|import| import.src.value.to_string_lossy().into_owned())
                .collect(),
            Program::Script(_) => self.jsx_runtime().into_iter().collect(),
        }
    }

    /// The module that JSX needs in a file without imports, which has a `require()` of it.
    fn jsx_runtime(&self) -> Option<String> {
        let JsxMode::Automatic { development } = self.options.jsx.mode else {
            return None;
        };
        self.survey.jsx?;
        let source = self.options.jsx.import_source.as_deref().unwrap_or("react");
        let runtime = if development {
            "jsx-dev-runtime"
        } else {
            "jsx-runtime"
        };
        Some(format!("{source}/{runtime}"))
    }
}

/// Runs a pass that handles only modules completely.
fn as_module(program: &mut Program, pass: impl FnOnce(&mut Program)) {
    let Program::Script(script) = program else {
        return pass(program);
    };
    let span = script.span;
    *program = Program::Module(Module {
        span,
        body: script.body.take().into_iter().map(Into::into).collect(),
        shebang: None,
    });
    pass(program);
    if let Program::Module(module) = program
        && module.body.iter().all(ModuleItem::is_stmt)
    {
        let items = module.body.take().into_iter();
        *program = Program::Script(Script {
            span,
            body: items.filter_map(ModuleItem::stmt).collect(),
            shebang: None,
        });
    }
}

fn has_exports(module: &Module) -> bool {
    let mut decls = module.body.iter().filter_map(ModuleItem::as_module_decl);
    decls.any(|decl| !decl.is_import() && !decl.is_ts_import_equals())
}

/// The starts of the import statements of a program, and of the names in them.
pub(super) fn import_positions(program: &Program, format: Format) -> FxHashSet<BytePos> {
    let items = program
        .as_module()
        .map_or(&[][..], |module| module.body.as_slice());
    let mut positions = FxHashSet::default();
    for item in items {
        match item {
            ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => {
                positions.insert(import.span.lo);
                positions.extend(import.specifiers.iter().map(Spanned::span_lo));
            }
            // In an ES module it becomes a variable, which has no position.
            ModuleItem::ModuleDecl(ModuleDecl::TsImportEquals(import))
                if format == Format::CommonJs =>
            {
                positions.insert(import.span.lo);
            }
            _ => {}
        }
    }
    positions
}
