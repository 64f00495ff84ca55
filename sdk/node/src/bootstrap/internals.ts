import { nodeModule, urlOf } from './builtins.ts';
import { INTERNALS_FLAG } from './inherited.ts';
import { withoutOwnFrames } from './stack.ts';

/** The parts of Node's ES module loader that are used here. Not every Node has all of them. */
export interface CascadedLoader {
  load?(url: string, context: LoadContext): Promise<LoadResult> | LoadResult;
  resolve?: Resolve;
  resolveSync?: Resolve;
  /** How a module that was itself required resolves its imports. */
  defaultResolve?: Resolve;
  import?(specifier: string, parentURL: undefined, attributes: object, isEntry: boolean): Promise<unknown>;
  /** Every module that it has started to load, by URL. */
  loadCache?: LoadCache;
}

export interface LoadContext {
  importAttributes?: Record<string, string>;
}

export type Resolve = (this: unknown, specifier: string, parentURL: string | undefined, ...rest: unknown[]) => unknown;

export interface LoadCache {
  keys(): Iterable<string>;
  set(this: unknown, url: string, ...rest: unknown[]): unknown;
}

/** The result of the loader of Node 20 for a URL. */
export interface LoadResult {
  format: string;
  responseURL: string;
  source: string | null;
}

let flagged = false;
let unlocked = false;
let opened: CascadedLoader | undefined;

/**
 * Hides the flag that exposes Node's internals: children that the domain forks inherit its flags, and
 * this one is not the domain's.
 */
export function hideInternalsFlag(): void {
  const at = process.execArgv.indexOf(INTERNALS_FLAG);
  if (at < 0) return;
  flagged = true;
  process.execArgv.splice(at, 1);
}

/**
 * Node's own loader, which `--expose-internals` exposes. From the first call on, the flag and Node's
 * internals are hidden from all other code.
 *
 * @param hidden whether the package has already hidden the flag
 * @param alongside loads other internals that are needed
 * @returns undefined without the flag, and where this Node has no such loader
 */
export function cascadedLoader(hidden = false, alongside?: () => void): CascadedLoader | undefined {
  if (opened) return opened;
  hideInternalsFlag();
  if (!flagged && !hidden) return undefined;
  try {
    opened = (require('internal/modules/esm/loader') as { getOrInitializeCascadedLoader(): CascadedLoader }).getOrInitializeCascadedLoader();
    alongside?.();
  } catch {
    // The caller checks what is missing.
  }
  hideInternals(opened);
  return opened;
}

/** Whether this process was started with the flag, and has opened the internals. */
export function hasInternals(): boolean {
  return opened !== undefined;
}

/**
 * One of Node's internal modules.
 *
 * @returns undefined without the flag, and where this Node has no such module
 */
export function internalModule<T>(id: string): T | undefined {
  if (!opened) return undefined;
  unlocked = true;
  try {
    return require(id) as T;
  } catch {
    return undefined;
  } finally {
    unlocked = false;
  }
}

/** Node's own modules named `internal/…` must not hide a package named `internal`. */
function hideInternals(loader: CascadedLoader | undefined): void {
  const open = nodeModule();
  const internal = (id: unknown) => String(id).startsWith('internal/');
  open.builtinModules = Object.freeze(open.builtinModules.filter((id) => !internal(id)));
  const { isBuiltin } = open;
  open.isBuiltin = (id) => !internal(id) && isBuiltin(id);
  wrapResolve((resolve, request, rest) => {
    if (unlocked || !internal(request)) return resolve();
    const found = open._findPath(request, (rest[0] as { paths?: string[] } | undefined)?.paths ?? []);
    if (found) return found;
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
  });
  if (!loader) return;
  for (const name of ['resolve', 'resolveSync'] as const) {
    const resolve = loader[name];
    if (typeof resolve !== 'function') continue;
    loader[name] = function (specifier, parentURL, ...rest) {
      if (!internal(specifier) || typeof parentURL !== 'string' || !parentURL.startsWith('file:')) return resolve.call(this, specifier, parentURL, ...rest);
      const path = open.createRequire(parentURL).resolve(specifier);
      return resolve.call(this, urlOf(path), parentURL, ...rest);
    };
  }
}

/** Wraps how `require` resolves a file, without frames of this file in the stacks of errors. */
export function wrapResolve(replacement: (resolve: () => string, request: string, rest: unknown[]) => string): void {
  const open = nodeModule();
  const native = open._resolveFilename;
  open._resolveFilename = function (request, ...rest) {
    try {
      return replacement(() => native.call(this, request, ...rest), request, rest);
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
}
