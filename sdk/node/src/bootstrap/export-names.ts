import { readFileSync } from 'node:fs';
import { nodeModule } from './builtins.ts';
import { internalModule } from './internals.ts';
import { isInPackage } from './table.ts';
import type { Source, TypeScriptFiles } from './typescript-files.ts';

interface Lexer {
  parse(code: string): { exports: Iterable<string>; reexports: Iterable<string> };
}

/**
 * The names that Node's lexer finds in CommonJS code, and in what it exports again. Node itself would
 * search the file on disk, whose types confuse the lexer.
 *
 * @returns null without Node's internals
 */
export function namesIn(path: string, { code }: Pick<Source, 'code'>, files: TypeScriptFiles): readonly string[] | null {
  const lexer = internalModule<Lexer>('internal/deps/cjs-module-lexer/lexer');
  if (typeof lexer?.parse !== 'function') return null;
  const names = new Set<string>();
  const visited = new Set<string>();
  const collect = (file: string, text: string) => {
    if (visited.has(file)) return;
    visited.add(file);
    try {
      const found = lexer.parse(text);
      for (const name of found.exports) names.add(name);
      for (const specifier of found.reexports) collectFile(nodeModule().createRequire(file).resolve(specifier));
    } catch {
      // What does not parse, or is missing, is reported when it is loaded.
    }
  };
  const collectFile = (file: string) => {
    if (!file.startsWith('/')) return;
    const source = !isInPackage(file) && files.covers(file) ? files.load(file) : undefined;
    if (source?.exports) for (const name of source.exports) names.add(name);
    else collect(file, source?.code ?? readFileSync(file, 'utf8'));
  };
  collect(path, code);
  return [...names];
}
