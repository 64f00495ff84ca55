import { readFileSync } from 'node:fs';
import { pathOf, urlOf } from './builtins.ts';
import { namesIn } from './export-names.ts';
import { commonjsText, jsonText, withNames } from './module-texts.ts';
import type { Found, Query, Resolver } from './resolver.ts';
import { isInPackage, isTypeScript } from './table.ts';
import type { Source, TypeScriptFiles } from './typescript-files.ts';

type Attributes = Record<string, string> | undefined;

/** What Node's loaders take for a URL. */
export interface Loaded {
  format: 'module' | 'commonjs';
  source: string;
}

/** The hooks of `import`, in whichever way this Node can have them. */
export class ImportHooks {
  readonly #files: TypeScriptFiles;
  readonly #resolver: Resolver;
  /** JSON files that were imported without an attribute. */
  readonly #json = new Set<string>();
  #main: string | undefined;

  constructor(files: TypeScriptFiles, resolver: Resolver) {
    this.#files = files;
    this.#resolver = resolver;
  }

  query(specifier: string, parentURL: string | undefined): Query {
    return { specifier, importer: parentURL?.startsWith('file:') ? pathOf(withoutSuffix(parentURL)) : undefined, kind: 'import' };
  }

  /** The URL that a query means, before Node is asked. */
  before(query: Query): string | undefined {
    return toUrl(this.#resolver.before(query));
  }

  /** The same after Node has failed. */
  afterFailure(query: Query): string | undefined {
    return toUrl(this.#resolver.afterFailure(query));
  }

  /** Must be told of every resolution. */
  note(query: Query, parentURL: string | undefined, url: string, attributes: Attributes): void {
    if (parentURL === undefined) this.#main ??= url;
    if (attributes?.type === undefined && query.importer !== undefined && withoutSuffix(url).endsWith('.json') && !isInPackage(query.importer)) this.#json.add(url);
  }

  /** @returns undefined for what Node has to load itself */
  load(url: string, attributes: Attributes): Loaded | undefined {
    if (!url.startsWith('file:')) return undefined;
    const bare = withoutSuffix(url);
    if (this.#json.has(url) && attributes?.type === undefined) {
      const path = pathOf(bare);
      return { format: 'module', source: jsonText(path, readFileSync(path, 'utf8')) };
    }
    const path = this.#covered(bare);
    const source = path === undefined ? undefined : this.#files.load(path);
    if (path === undefined || source === undefined) return undefined;
    if (source.format === 'module') return { format: 'module', source: source.code };
    return { format: 'module', source: commonjsText(path, this.#names(path, source), url === this.#main) };
  }

  /**
   * The same for `require`, and for the imports of a module that was itself required: there Node uses
   * its own translator, which has to find the names in the code.
   */
  loadRequired(url: string, named: boolean): Loaded | undefined {
    const path = this.#covered(withoutSuffix(url));
    const source = path === undefined ? undefined : this.#files.load(path);
    if (path === undefined || source === undefined) return undefined;
    return { format: source.format, source: source.format === 'module' || !named ? source.code : withNames(source.code, this.#names(path, source)) };
  }

  #covered(bare: string): string | undefined {
    if (!bare.startsWith('file:') || (isInPackage(bare) && !isTypeScript(bare))) return undefined;
    const path = pathOf(bare);
    return this.#files.covers(path) ? path : undefined;
  }

  #names(path: string, source: Source): readonly string[] {
    return source.exports ?? namesIn(path, source.code, this.#files);
  }
}

function toUrl(found: Found | undefined): string | undefined {
  return found && urlOf(found.path) + found.suffix;
}

function withoutSuffix(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
