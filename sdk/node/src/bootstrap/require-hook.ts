import { nodeModule, urlOf } from './builtins.ts';
import type { CommonJsModule } from './builtins.ts';
import type { StrippedFiles } from './stripped.ts';

/**
 * `require()` of TypeScript. The extensions are not enumerable, or Node would try them
 * for specifiers without one, which it doesn't do where it strips types itself.
 */
export function hookRequire(files: StrippedFiles): void {
  const extensions = nodeModule()._extensions;
  const value = (module: CommonJsModule, filename: string) => {
    const { code, format } = files.load(filename);
    // The third argument is younger than Node 20, and had another meaning in between.
    if (canCompileModules()) module._compile(code, filename, format);
    else if (format === 'commonjs') module._compile(code, filename);
    else importInstead(module, filename);
  };
  for (const extension of ['.ts', '.cts', '.mts']) {
    Object.defineProperty(extensions, extension, { value, configurable: true, writable: true, enumerable: false });
  }
}

/** Node 20.19, 22.12 and later; the types don't know it yet. */
function canCompileModules(): boolean {
  return (process.features as { require_module?: boolean }).require_module === true;
}

/** An older Node: an entry can still be imported, though not be required. */
function importInstead(module: CommonJsModule, filename: string): void {
  if (process.mainModule !== (module as unknown)) {
    throw Object.assign(new Error(`require() of ES Module ${filename} is not supported by Node ${process.version}: use import()`), { code: 'ERR_REQUIRE_ESM' });
  }
  (process as { mainModule?: unknown }).mainModule = undefined;
  void import(urlOf(filename));
}
