import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { extensionOf, isInPackage } from './table.ts';
import type { Source, TypeScriptFiles } from './typescript-files.ts';

/**
 * ES modules, for a Node whose `require` cannot load them: an `import` in a file that is compiled to
 * CommonJS is a `require`. The helper compiles what is required to CommonJS as well.
 */
export class LoweredModules {
  readonly #files: TypeScriptFiles;
  readonly #lowered = new Set<string>();
  readonly #types = new Map<string, string | undefined>();

  constructor(files: TypeScriptFiles) {
    this.#files = files;
  }

  /** Must be told of what compiled code requires, and lowers it where it is a module of a package. */
  require(importer: string, path: string): void {
    if (!isInPackage(path) || this.#lowered.has(path) || !this.#isCompiled(importer) || !this.#isModule(path)) return;
    this.lower(path);
  }

  /** @returns false where a module cannot become CommonJS, as it has a top-level await */
  lower(path: string): boolean {
    const answer = this.#files.ask({ lower: path });
    const entry = answer.files?.[path];
    // An error must not replace the module, which can be imported.
    if (!entry || entry.error !== undefined) return false;
    this.#files.add(answer);
    for (const other of Object.keys(answer.files ?? {})) this.#lowered.add(other);
    return true;
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
