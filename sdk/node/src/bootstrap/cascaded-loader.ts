import { noteSpecifier } from './children.ts';
import type { ImportHooks } from './import-hooks.ts';
import { cascadedLoader } from './host.ts';
import type { CascadedLoader, LoadContext, LoadResult, Resolve } from './internals.ts';
import { withoutOwnFrames } from './stack.ts';

type Attributes = Record<string, string> | undefined;

/**
 * Makes the loader of a Node before 22.15 load TypeScript, in this thread. `module.register` would
 * start a second thread, which costs a domain more than all the rest of its start; the synchronous
 * `module.registerHooks` came with Node 22.15. Needs `--expose-internals`.
 *
 * @returns false when this Node's internals are not as expected, and nothing was changed
 */
export function patchCascadedLoader(hooks: ImportHooks): boolean {
  let loads: { defaultLoadSync?: (url: string, context?: LoadContext) => LoadResult } | undefined;
  const loader = cascadedLoader(false, () => {
    // In the order of Node itself, because the two depend on each other.
    require('internal/modules/esm/resolve');
    loads = require('internal/modules/esm/load') as typeof loads;
  });
  const load = loader?.load;
  if (!loads || !loader || typeof load !== 'function' || typeof loader.resolve !== 'function') return false;
  patchResolve(loader, hooks);
  loader.load = function (url, context) {
    const found = hooks.load(url, context.importAttributes);
    return found ? { ...found, responseURL: url } : load.call(this, url, context);
  };
  // The imports of a module that was itself required.
  const open = loads;
  const { defaultLoadSync } = open;
  if (typeof defaultLoadSync === 'function') {
    open.defaultLoadSync = (url, context) => {
      const found = hooks.loadRequired(url, true);
      return found ? { ...found, responseURL: url } : defaultLoadSync(url, context);
    };
  }
  return true;
}

function patchResolve(loader: CascadedLoader, hooks: ImportHooks): void {
  // The default one is called by the others, and by itself for modules that were required.
  let inside = false;
  for (const name of ['resolve', 'resolveSync', 'defaultResolve'] as const) {
    const native = loader[name];
    if (typeof native !== 'function') continue;
    loader[name] = function (specifier, parentURL, ...rest) {
      if (inside) return native.call(this, specifier, parentURL, ...rest);
      inside = true;
      try {
        return resolve(hooks, `${specifier}`, parentURL, rest[0] as Attributes, () => native.call(this, specifier, parentURL, ...rest));
      } finally {
        inside = false;
      }
    };
  }
}

function resolve(hooks: ImportHooks, specifier: string, parentURL: string | undefined, attributes: Attributes, native: () => ReturnType<Resolve>): ReturnType<Resolve> {
  noteSpecifier(specifier);
  const query = hooks.query(specifier, parentURL);
  const done = (result: { url: string }) => {
    hooks.note(query, parentURL, result.url, attributes);
    return result;
  };
  const failed = (error: unknown) => {
    const url = hooks.afterFailure(query);
    if (url === undefined) throw withoutOwnFrames(error);
    return done({ url });
  };
  const url = hooks.before(query);
  if (url !== undefined) return done({ url });
  try {
    const result = native();
    // With hooks of the domain's own it is a promise.
    return result instanceof Promise ? result.then(done, failed) : done(result as { url: string });
  } catch (error) {
    return failed(error);
  }
}
