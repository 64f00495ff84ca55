import { isAbsolute, resolve as resolvePath, dirname } from 'node:path';
import { isBuiltin, nodeModule, pathOf, urlOf } from './builtins.ts';
import { extensionOf, isInPackage, isTypeScript } from './table.ts';
import type { Kind } from './table.ts';
import type { TypeScriptFiles } from './typescript-files.ts';

/** One resolution: a specifier, and who asks. */
export interface Query {
  readonly specifier: string;
  /** The importing file; undefined for the entry, and for code without a file. */
  readonly importer: string | undefined;
  readonly kind: Kind;
  /** The helper has been asked, and knows no such file. */
  asked?: boolean;
}

export interface Found {
  path: string;
  /** The query and the fragment of the specifier, which stay on the URL of the module. */
  suffix: string;
}

/** What may be meant by a written extension besides a file of that name. */
const SIBLINGS: Record<string, readonly string[]> = { '.js': ['.ts', '.tsx'], '.mjs': ['.mts'], '.cjs': ['.cts'], '.jsx': ['.tsx'] };

/**
 * Resolves as Fulcrum does, by the table and the helper. Node's own resolution happens between
 * {@link before} and {@link afterFailure}, and only where the first one found nothing.
 */
export class Resolver {
  readonly #files: TypeScriptFiles;

  constructor(files: TypeScriptFiles) {
    this.#files = files;
  }

  /** Whether the table has the imports of a file. */
  knows(importer: string): boolean {
    return this.#files.table.knows(importer);
  }

  /** Where the table, or the helper, knows the file better than Node. */
  before(query: Query): Found | undefined {
    const { importer, kind } = query;
    if (importer === undefined) return undefined;
    const { table } = this.#files;
    const [specifier, suffix] = split(query);
    const known = table.target(kind, importer, query.specifier) ?? (suffix ? table.target(kind, importer, specifier) : this.#loweredTarget(query));
    if (known !== undefined && this.#files.exists(known)) return { path: known, suffix };
    if (!this.#isOurs(query)) return undefined;
    const path = pathLike(query, specifier);
    if (path === undefined) {
      // Literal names of a known file are in the table wherever they mean another file than for Node.
      return table.aliases && !table.knows(importer) ? this.#learn(query) : undefined;
    }
    // For JavaScript, the written file takes precedence.
    if (!isTypeScript(importer) || this.#isPlainlyThere(path)) return undefined;
    return this.#ask(query);
  }

  /** Where Node has found nothing. */
  afterFailure(query: Query): Found | undefined {
    if (query.asked || query.importer === undefined || !this.#isOurs(query)) return undefined;
    try {
      return (this.#files.table.knows(query.importer) ? undefined : this.#learn(query)) ?? this.#ask(query);
    } catch {
      // Node's error says more about what is missing.
      return undefined;
    }
  }

  /** The file of a child process or thread: as it is written, unless only another one exists. */
  entry(path: string, from: string): string {
    const absolute = resolvePath(path);
    if (isInPackage(absolute) || nodeModule()._findPath(absolute, [''], true)) return path;
    return this.afterFailure({ specifier: absolute, importer: from, kind: 'import' })?.path ?? path;
  }

  /** A module that was lowered for this Node requires what the table has among its imports. */
  #loweredTarget({ importer = '', specifier, kind }: Query): string | undefined {
    return kind === 'require' && specifier.startsWith('.') ? this.#files.table.target('import', importer, specifier) : undefined;
  }

  #isOurs({ importer = '', specifier }: Query): boolean {
    return !isInPackage(importer) && !importer.startsWith(`${__dirname}/`) && !isBuiltin(specifier) && (!/^[a-z][a-z\d+.-]*:/i.test(specifier) || specifier.startsWith('file:'));
  }

  /** The file exists as written, and nothing else can be meant. */
  #isPlainlyThere(path: string): boolean {
    const extension = extensionOf(path);
    if (extension === '') return false;
    const stem = path.slice(0, -extension.length);
    return this.#files.exists(path) && !SIBLINGS[extension]?.some((other) => this.#files.exists(stem + other));
  }

  /** Asks about all imports of the importer at once. */
  #learn(query: Query): Found | undefined {
    const { importer = '', kind } = query;
    const { table } = this.#files;
    table.setKnown(importer);
    this.#files.learn({ load: importer });
    const [specifier, suffix] = split(query);
    const path = table.target(kind, importer, query.specifier) ?? table.target(kind, importer, specifier);
    return path === undefined ? undefined : { path, suffix };
  }

  #ask(query: Query): Found | undefined {
    const { importer = '', kind } = query;
    const [specifier, suffix] = split(query);
    query.asked = true;
    const { resolved } = this.#files.learn({ resolve: specifier, from: importer, kind });
    if (typeof resolved !== 'string') return undefined;
    this.#files.table.setTarget(kind, importer, specifier, resolved);
    return { path: resolved, suffix };
  }
}

/** A specifier without and its query and fragment. `require` has none of these. */
function split({ specifier, kind }: Query): [string, string] {
  const at = kind === 'require' ? -1 : specifier.slice(1).search(/[?#]/) + 1;
  return at <= 0 ? [specifier, ''] : [specifier.slice(0, at), specifier.slice(at)];
}

/** The absolute path that is written; undefined for a bare name or `#name`. */
function pathLike({ importer = '', kind }: Query, specifier: string): string | undefined {
  const relative = /^\.\.?(?:\/|$)/.test(specifier);
  try {
    if (kind === 'require') return relative || isAbsolute(specifier) ? resolvePath(dirname(importer), specifier) : undefined;
    if (specifier.startsWith('file:')) return pathOf(specifier);
    return relative || specifier.startsWith('/') ? pathOf(new URL(specifier, urlOf(importer)).href) : undefined;
  } catch {
    return undefined;
  }
}
