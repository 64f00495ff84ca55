import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { extensionOf, isInPackage } from './table.ts';
import type { Source, TypeScriptFiles } from './typescript-files.ts';

/**
 * ES modules of packages, for a Node whose `require` cannot load them: an `import` of such a package,
 * in a file that is compiled to CommonJS, is a `require`. The helper compiles them to CommonJS as well.
 */
export class LoweredPackages {
  readonly #files: TypeScriptFiles;
  readonly #lowered = new Set<string>();
  readonly #types = new Map<string, string | undefined>();

  constructor(files: TypeScriptFiles) {
    this.#files = files;
  }

  /** Must be told of the files that compiled code requires. */
  require(importer: string, path: string): void {
    if (!isInPackage(path) || this.#lowered.has(path) || !this.#isCompiled(importer) || !this.#isModule(path)) return;
    this.#lowered.add(path);
    const { files } = this.#files.learn({ lower: path });
    for (const other of Object.keys(files ?? {})) this.#lowered.add(other);
  }

  load(path: string): Source | undefined {
    return this.#lowered.has(path) ? this.#files.load(path) : undefined;
  }

  /** Code of a domain that was compiled to CommonJS, or another lowered file. */
  #isCompiled(importer: string): boolean {
    return this.#lowered.has(importer) || this.#files.table.file(importer)?.format === 'commonjs';
  }

  #isModule(path: string): boolean {
    const extension = extensionOf(path);
    return extension === '.mjs' || (extension === '.js' && this.#packageType(dirname(path)) === 'module');
  }

  /** The `type` of the nearest `package.json`, as Node looks it up. */
  #packageType(dir: string): string | undefined {
    if (this.#types.has(dir)) return this.#types.get(dir);
    let type: string | undefined;
    try {
      ({ type } = JSON.parse(readFileSync(`${dir}/package.json`, 'utf8')) as { type?: string });
    } catch {
      const parent = dirname(dir);
      type = parent === dir || parent.endsWith('/node_modules') ? undefined : this.#packageType(parent);
    }
    this.#types.set(dir, type);
    return type;
  }
}
