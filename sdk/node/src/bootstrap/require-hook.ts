import { nodeModule, urlOf } from './builtins.ts';
import type { CommonJsModule, ExtensionHandler } from './builtins.ts';
import { noteSpecifier } from './children.ts';
import { cascadedLoader, internalModule, wrapResolve } from './host.ts';
import type { CascadedLoader } from './internals.ts';
import type { LoweredModules } from './lowered-modules.ts';
import type { Query, Resolver } from './resolver.ts';
import { isInPackage } from './table.ts';
import type { TypeScriptFiles } from './typescript-files.ts';

/**
 * Resolves the specifiers of `require()`, and of `require.resolve()`.
 *
 * @param lowered where `require` cannot load ES modules
 */
export function hookRequireResolution(resolver: Resolver, lowered: LoweredModules | undefined): void {
  wrapResolve((resolve, specifier, [parent, , options]) => {
    noteSpecifier(specifier);
    const importer = (parent as CommonJsModule | null | undefined)?.filename;
    // Packages are the most, and have nothing in the table unless they were lowered.
    if (!importer?.startsWith('/') || (isInPackage(importer) && !resolver.knows(importer)) || (options as { paths?: unknown } | undefined)?.paths !== undefined) return resolve();
    const path = resolveRequire(resolver, { specifier, importer, kind: 'require' }, resolve);
    lowered?.require(importer, path);
    return path;
  });
}

function resolveRequire(resolver: Resolver, query: Query, native: () => string): string {
  const found = resolver.before(query);
  if (found) return found.path;
  try {
    return native();
  } catch (error) {
    const late = resolver.afterFailure(query);
    if (late) return late.path;
    throw error;
  }
}

const EXTENSIONS = ['.ts', '.cts', '.mts', '.tsx', '.jsx'];

/** What a handler for an extension compiles; undefined when Node's own handler has to load the file. */
type Prepare = (module: CommonJsModule, filename: string) => { code: string; format?: string } | undefined;

/**
 * `require()` of TypeScript on a Node without `registerHooks`. The extensions are not enumerable, or
 * Node would try them for specifiers without an extension.
 */
export function hookExtensions(files: TypeScriptFiles, lowered: LoweredModules): { update(): void } {
  const extensions = nodeModule()._extensions;
  const prepare: Prepare = (module, filename) => {
    let source = lowered.load(filename) ?? (files.covers(filename) ? files.load(filename) : undefined);
    const isMain = process.mainModule === (module as unknown);
    if (source?.format === 'module' && !isMain && !canRequireModules() && lowered.lower(filename)) source = files.load(filename);
    if (!source) return undefined;
    return source.format === 'commonjs' ? { code: source.code, format: 'commonjs' } : prepareModule(module, filename, source.code);
  };
  const hooked = new Set<string>();
  const hook = (extension: string, native: ExtensionHandler | undefined, enumerable: boolean) => {
    hooked.add(extension);
    const fallback = native ?? extensions['.js'];
    Object.defineProperty(extensions, extension, { value: handler(prepare, fallback as ExtensionHandler), configurable: true, writable: true, enumerable });
  };
  for (const extension of EXTENSIONS) hook(extension, extensions[extension], false);
  return {
    /** JavaScript that is compiled too is rare, and each hook costs a frame in stacks. */
    update() {
      for (const extension of ['.js', '.cjs', '.mjs']) {
        if (!hooked.has(extension) && files.openTable?.has(extension)) hook(extension, extensions[extension], Object.keys(extensions).includes(extension));
      }
    },
  };
}

/**
 * A handler that is on the stack while the file runs. It is compiled with the name of Node's own
 * loader, which it extends, so that no frame of this package is in the stacks of the domain.
 */
function handler(prepare: Prepare, native: ExtensionHandler): ExtensionHandler {
  const text = `(function (prepare, native) {
  const handlers = {
    '.ts'(module, filename) {
      const found = prepare(module, filename);
      if (found === undefined) native(module, filename);
      else if (found.code !== undefined) module._compile(found.code, filename, found.format);
    },
  };
  return handlers['.ts'];
})`;
  const { runInThisContext } = require('node:vm') as typeof import('node:vm');
  const make = runInThisContext(text, { filename: 'node:internal/modules/cjs/loader' }) as (prepare: Prepare, native: ExtensionHandler) => ExtensionHandler;
  return make(prepare, native);
}

/** Node 20.19, 22.12 and later; it is missing from the types. */
export function canRequireModules(): boolean {
  return (process.features as { require_module?: boolean }).require_module === true;
}

/** An ES module that is required, or run as the program. */
function prepareModule(module: CommonJsModule, filename: string, code: string): { code: string; format?: string } {
  if (canRequireModules()) {
    // Where Node 22.12 looks for the code of a module; later versions take it as an argument.
    const { kModuleSource } = internalModule<{ kModuleSource?: symbol }>('internal/modules/cjs/loader') ?? {};
    if (kModuleSource) (module as unknown as Record<symbol, string>)[kModuleSource] = code;
    return { code, format: 'module' };
  }
  if (process.mainModule !== (module as unknown)) {
    throw Object.assign(new Error(`require() of ES Module ${filename} is not supported by Node ${process.version}: use import()`), { code: 'ERR_REQUIRE_ESM' });
  }
  runMain(filename);
  return {} as { code: string };
}

/** Runs the program as an ES module, where Node took it for CommonJS by its name. */
function runMain(filename: string): void {
  (process as { mainModule?: unknown }).mainModule = undefined;
  const url = urlOf(filename);
  type Run = (callback: (loader: CascadedLoader) => unknown) => void;
  const run = internalModule<{ runEntryPointWithESMLoader?: Run }>('internal/modules/run_main')?.runEntryPointWithESMLoader;
  if (run && cascadedLoader()?.import) run((loader) => loader.import?.(url, undefined, { __proto__: null }, true));
  else void import(url);
}
