import { pathOf } from './builtins.ts';
import { cascadedLoader } from './internals.ts';
import type { LoadResult } from './internals.ts';
import type { StrippedFiles } from './stripped-files.ts';
import { typescriptPath } from './urls.ts';

/**
 * Makes the loader of Node 20 load TypeScript, in this thread. `module.register` would start a
 * second thread, which costs a domain more than all the rest of its start; the synchronous
 * `module.registerHooks` came with Node 22.15. Needs `--expose-internals`.
 *
 * @returns false when this Node's internals are not as expected, and nothing was changed
 */
export function patchCascadedLoader(files: StrippedFiles): boolean {
  let loads: { defaultLoadSync?: (url: string, context?: object) => LoadResult } | undefined;
  const loader = cascadedLoader(false, () => {
    // In the order of Node itself, because the two depend on each other.
    require('internal/modules/esm/resolve');
    loads = require('internal/modules/esm/load') as typeof loads;
  });
  const load = loader?.load;
  if (!loads || !loader || typeof load !== 'function' || typeof loader.resolve !== 'function') return false;
  loader.load = async function (url, context) {
    const path = typescriptPath(url, pathOf);
    if (path === undefined) return load.call(this, url, context);
    const { code, format } = files.load(path);
    // Without a source, Node loads CommonJS with require(), with all its features.
    return { format, responseURL: url, source: format === 'module' ? code : null };
  };
  // The imports of a module that was itself required.
  const open = loads;
  const { defaultLoadSync } = open;
  if (typeof defaultLoadSync === 'function') {
    open.defaultLoadSync = (url, context) => {
      const path = typescriptPath(url, pathOf);
      if (path === undefined) return defaultLoadSync(url, context);
      const { code, format } = files.load(path);
      return { format, responseURL: url, source: code };
    };
  }
  return true;
}
