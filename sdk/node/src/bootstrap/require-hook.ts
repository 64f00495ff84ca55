import { nodeModule, urlOf } from './builtins.ts';
import type { CommonJsModule } from './builtins.ts';
import type { StrippedFiles } from './stripped-files.ts';

/**
 * `require()` of TypeScript. The extensions are not enumerable, or Node would try them for specifiers
 * without an extension, which it does not do where it strips types itself.
 */
export function hookRequire(files: StrippedFiles): void {
  const extensions = nodeModule()._extensions;
  const value = (module: CommonJsModule, filename: string) => {
    const { code, format } = files.load(filename);
    // The third argument is not in Node 20, and its meaning has changed since.
    if (canCompileModules()) module._compile(code, filename, format);
    else if (format === 'commonjs') module._compile(code, filename);
    else importInstead(module, filename);
  };
  for (const extension of ['.ts', '.cts', '.mts']) {
    Object.defineProperty(extensions, extension, { value, configurable: true, writable: true, enumerable: false });
  }
}

/** Node 20.19, 22.12 and later; it is missing from the types. */
function canCompileModules(): boolean {
  return (process.features as { require_module?: boolean }).require_module === true;
}

/** An older Node: an entry can be imported, but not required. */
function importInstead(module: CommonJsModule, filename: string): void {
  if (process.mainModule !== (module as unknown)) {
    throw Object.assign(new Error(`require() of ES Module ${filename} is not supported by Node ${process.version}: use import()`), { code: 'ERR_REQUIRE_ESM' });
  }
  (process as { mainModule?: unknown }).mainModule = undefined;
  void import(urlOf(filename));
}
