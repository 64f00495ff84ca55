import { nodeModule, pathOf, urlOf } from './builtins.ts';
import type { StrippedFiles } from './stripped.ts';
import { typescriptPath } from './urls.ts';

/** What the ES module loader of Node 20 gives for a URL. */
interface LoadResult {
  format: string;
  responseURL: string;
  source: string | null;
}
type Resolved = { url: string; format?: string | null };

/** Node 20's one loader, of which only these methods concern us. */
interface CascadedLoader {
  load(url: string, context: object): Promise<LoadResult>;
  resolve(specifier: string, parentURL: string | undefined, attributes: object): Resolved | Promise<Resolved>;
}

const FLAG = '--expose-internals';

/**
 * Lets Node's own loader load TypeScript, in this thread. `module.register` would start a
 * second thread, which costs a domain more than all the rest of its start; the synchronous
 * `module.registerHooks` came with Node 22.15. Needs `--expose-internals`.
 *
 * @returns false when this Node's internals aren't what is expected, and nothing was changed
 */
export function patchCascadedLoader(files: StrippedFiles): boolean {
  if (!process.execArgv.includes(FLAG)) return false;
  let loader: CascadedLoader;
  let loads: { defaultLoadSync?: (url: string, context?: object) => LoadResult };
  try {
    loader = (require('internal/modules/esm/loader') as { getOrInitializeCascadedLoader(): CascadedLoader }).getOrInitializeCascadedLoader();
    // In the order in which Node itself loads them: the two need each other.
    require('internal/modules/esm/resolve');
    loads = require('internal/modules/esm/load') as typeof loads;
    if (typeof loader.load !== 'function' || typeof loader.resolve !== 'function') return false;
  } catch {
    return false;
  } finally {
    hideFlag();
  }
  const load = loader.load;
  loader.load = async function (url, context) {
    const path = typescriptPath(url, pathOf);
    if (path === undefined) return load.call(this, url, context);
    const { code, format } = files.load(path);
    // Without a source, Node takes CommonJS from require(), with all that belongs to it.
    return { format, responseURL: url, source: format === 'module' ? code : null };
  };
  // The imports of a module that was itself required.
  const { defaultLoadSync } = loads;
  if (typeof defaultLoadSync === 'function') {
    loads.defaultLoadSync = (url, context) => {
      const path = typescriptPath(url, pathOf);
      if (path === undefined) return defaultLoadSync(url, context);
      const { code, format } = files.load(path);
      return { format, responseURL: url, source: code };
    };
  }
  shadowInternals(loader);
  return true;
}

/** A child that the domain forks is started with the domain's flags: this one isn't the domain's. */
function hideFlag(): void {
  const at = process.execArgv.indexOf(FLAG);
  if (at >= 0) process.execArgv.splice(at, 1);
}

/** Node's own modules named `internal/…` must not stand in the way of a package named `internal`. */
function shadowInternals(loader: CascadedLoader): void {
  const open = nodeModule();
  const internal = (id: string) => id.startsWith('internal/');
  open.builtinModules = Object.freeze(open.builtinModules.filter((id) => !internal(id)));
  const { isBuiltin, _resolveFilename: resolveFilename } = open;
  open.isBuiltin = (id) => !internal(id) && isBuiltin(id);
  open._resolveFilename = function (request, ...rest) {
    if (typeof request !== 'string' || !internal(request)) return resolveFilename.call(this, request, ...rest);
    const found = open._findPath(request, (rest[0] as { paths?: string[] } | undefined)?.paths ?? []);
    if (found) return found;
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
  };
  const resolve = loader.resolve;
  loader.resolve = function (specifier, parentURL, attributes) {
    if (!internal(String(specifier)) || parentURL === undefined || !parentURL.startsWith('file:')) return resolve.call(this, specifier, parentURL, attributes);
    const path = open.createRequire(parentURL).resolve(specifier);
    return resolve.call(this, urlOf(path), parentURL, attributes);
  };
}
