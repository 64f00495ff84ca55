/** What Fulcrum has found out about one file before the start. */
export interface FileEntry {
  size: number;
  mtime_ms: number;
  /** The file with its JavaScript; null where there is only a `text`, or an `error`. */
  code: string | null;
  /** The JavaScript itself, where the cache could not be written. */
  text?: string;
  format: 'module' | 'commonjs';
  /** For CommonJS: the names for importers that are ES modules; null where Node has to find them. */
  exports?: string[] | null;
  /** Why the file cannot be run. */
  error?: string;
}

/** Which file an importer's specifier means. */
type Targets = Record<string, Record<string, string>>;

/** The table of a start, and the answer of the helper: both have this shape. */
export interface Fragment {
  /** Files besides sources that decided the result, such as `tsconfig.json`. */
  inputs?: string[];
  /** Some `tsconfig.json` has aliases, so a bare name may be one. */
  aliases?: boolean;
  /** Some file has a source map. */
  maps?: boolean;
  files?: Record<string, FileEntry>;
  imports?: Targets;
  requires?: Targets;
  /** The answer to a `resolve`. */
  resolved?: string | null;
}

/** How a specifier is loaded: the two resolve by different conditions. */
export type Kind = 'import' | 'require';

/**
 * What is known about the domain's files: found before the start, and completed by answers of the
 * helper. Lookups are by absolute path, and touch no file.
 */
export class Table {
  aliases = false;
  maps = false;
  readonly #files = new Map<string, FileEntry>();
  readonly #targets: Record<Kind, Map<string, Map<string, string>>> = { import: new Map(), require: new Map() };
  readonly #known = new Set<string>();
  readonly #inputs = new Set<string>();
  #extensions = new Set<string>();

  add(fragment: Fragment): void {
    if (fragment.aliases) this.aliases = true;
    if (fragment.maps) this.maps = true;
    for (const input of fragment.inputs ?? []) this.#inputs.add(input);
    for (const [path, entry] of Object.entries(fragment.files ?? {})) {
      this.#files.set(path, entry);
      this.#known.add(path);
      this.#extensions.add(extensionOf(path));
    }
    this.#addTargets('import', fragment.imports);
    this.#addTargets('require', fragment.requires);
  }

  #addTargets(kind: Kind, targets: Targets | undefined): void {
    for (const [importer, found] of Object.entries(targets ?? {})) {
      this.#known.add(importer);
      this.#targets[kind].set(importer, new Map(Object.entries(found)));
      for (const target of Object.values(found)) this.#known.add(target);
    }
  }

  file(path: string): FileEntry | undefined {
    return this.#files.get(path);
  }

  /** The file that a specifier means for an importer. */
  target(kind: Kind, importer: string, specifier: string): string | undefined {
    return this.#targets[kind].get(importer)?.get(specifier);
  }

  /** Remembers an answer. */
  setTarget(kind: Kind, importer: string, specifier: string, path: string): void {
    const of = this.#targets[kind];
    const targets = of.get(importer) ?? new Map<string, string>();
    of.set(importer, targets.set(specifier, path));
  }

  /** Whether all literal imports of a file are in the table. */
  knows(path: string): boolean {
    return this.#known.has(path);
  }

  /** Does not ask about a file again. */
  setKnown(path: string): void {
    this.#known.add(path);
  }

  /** Whether a file with this extension has an entry. */
  has(extension: string): boolean {
    return this.#extensions.has(extension);
  }

  inputs(): Iterable<string> {
    return this.#inputs;
  }
}

/** The extension with its dot; empty where there is none. */
export function extensionOf(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1 ? path.slice(dot) : '';
}

const TYPESCRIPT = /\.(?:[mc]?ts|tsx|jsx)$/;

/** Whether a file is one that Node itself does not run, by its name. */
export function isTypeScript(path: string): boolean {
  return TYPESCRIPT.test(path);
}

/** Whether a file belongs to an installed package: those are never changed. */
export function isInPackage(path: string): boolean {
  return path.includes('/node_modules/');
}
