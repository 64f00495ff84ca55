import { readFileSync, statSync } from 'node:fs';
import type { TypeScriptConfig } from './config.ts';
import type { Ask } from './helper.ts';
import { Table, extensionOf, isInPackage, isTypeScript } from './table.ts';
import type { FileEntry, Fragment } from './table.ts';

/** JavaScript for a file. */
export interface Source {
  code: string;
  format: 'module' | 'commonjs';
  /** For CommonJS: its names for ES modules; null where Node has to find them. */
  exports: readonly string[] | null;
}

/** Size and time of a file, by which a change is detected without reading it. */
interface Stat {
  size: number;
  mtimeMs: number;
}

/** What else has to happen. */
export interface Observer {
  /** The table was read or completed, and no new code of it is compiled yet. */
  changed?(): void;
  /** The code of a file is about to be compiled. */
  loaded?(path: string, source: Source): void;
}

/** The domain's files as JavaScript: from the table while it is fresh, else from the helper. */
export class TypeScriptFiles {
  readonly ask: Ask;
  #config: TypeScriptConfig;
  #table: Table | undefined;
  readonly #observer: Observer;
  /** Of files that were just resolved, and are about to be loaded. */
  readonly #stats = new Map<string, Stat>();

  constructor(config: TypeScriptConfig, ask: Ask, observer: Observer = {}) {
    this.#config = config;
    this.ask = ask;
    this.#observer = observer;
  }

  /** Uses another manifest from now on; nothing has been loaded yet. */
  reconfigure(config: TypeScriptConfig): void {
    this.#config = config;
    this.#table = undefined;
  }

  get table(): Table {
    if (this.#table) return this.#table;
    this.#table = new Table();
    this.add(readManifest(this.#config.manifest));
    return this.#table;
  }

  /** The table, unless nothing has been loaded yet. */
  get openTable(): Table | undefined {
    return this.#table;
  }

  /** Asks the helper, and completes the table with the answer. */
  learn(question: Parameters<Ask>[0]): Fragment {
    const answer = this.ask(question);
    this.add(answer);
    return answer;
  }

  /** Completes the table. */
  add(fragment: Fragment): void {
    this.table.add(fragment);
    this.#observer.changed?.();
  }

  /** Whether Node must not load this file by itself. */
  covers(path: string): boolean {
    return isTypeScript(path) || (this.table.has(extensionOf(path)) && this.table.file(path) !== undefined);
  }

  /** Whether a file exists. */
  exists(path: string): boolean {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) return false;
    this.#stats.set(path, stat);
    return true;
  }

  /**
   * @returns undefined when Node has to load the file itself, such as one of an installed package
   * @throws SyntaxError with the position when the file is broken; the error of fs when it is missing
   */
  load(path: string): Source | undefined {
    const source = this.#load(path);
    if (source) this.#observer.loaded?.(path, source);
    return source;
  }

  #load(path: string): Source | undefined {
    const stat = this.#stats.get(path) ?? statSync(path);
    this.#stats.delete(path);
    const entry = this.table.file(path);
    const source = entry && isFresh(entry, stat, path) ? read(entry) : undefined;
    if (source) return source;
    this.learn({ load: path });
    this.table.setKnown(path);
    const learned = this.table.file(path);
    if (!learned) {
      if (isInPackage(path) || !isTypeScript(path)) return undefined;
      throw new SyntaxError(`${path}: the helper returned no code for this file`);
    }
    const answer = read(learned);
    if (!answer) throw new SyntaxError(`${path}: its compiled code is missing: ${learned.code ?? 'no file'} cannot be read; check the permissions of the cache directory`);
    return answer;
  }
}

/** A file in a package was lowered on request, and does not change. */
function isFresh(entry: FileEntry, { size, mtimeMs }: Stat, path: string): boolean {
  return (size === entry.size && Math.floor(mtimeMs) === entry.mtime_ms) || (isInPackage(path) && !isTypeScript(path));
}

/** Undefined when the code is no longer in the cache. */
function read({ code, text, format, exports, error }: FileEntry): Source | undefined {
  if (error !== undefined) throw new SyntaxError(error);
  const source = { format, exports: exports ?? null };
  if (text !== undefined) return { ...source, code: text };
  try {
    return code === null ? undefined : { ...source, code: withReadableMap(readFileSync(code, 'utf8')) };
  } catch {
    return undefined;
  }
}

const MAP_COMMENT = 'sourceMappingURL=';

/** Node reads the map of a path, but not that of a `file:` URL. */
function withReadableMap(code: string): string {
  const at = code.lastIndexOf(MAP_COMMENT, code.length) + MAP_COMMENT.length;
  return at >= MAP_COMMENT.length && code.startsWith('file://', at) ? code.slice(0, at) + code.slice(at + 'file://'.length) : code;
}

/** An unreadable manifest counts as empty: the helper is then asked about every file. */
function readManifest(path: string): Fragment {
  try {
    const { v, ...fragment } = JSON.parse(readFileSync(path, 'utf8')) as Fragment & { v?: number };
    return v === 2 ? fragment : {};
  } catch {
    return {};
  }
}
