import { nodeModule, pathOf } from './builtins.ts';
import { cascadedLoader, wrapResolve } from './internals.ts';

/** When the first report leaves: a domain that starts has done so by then. In milliseconds. */
const FIRST_MS = 200;
/** How long what is loaded later is gathered. */
const GATHER_MS = 50;

/**
 * Tells Fulcrum which files of the app this process has loaded, so that a change of one restarts
 * who has loaded it, and nobody else. One path a line goes into a file that Fulcrum reads when
 * something has changed: that works for code that never comes to register, too.
 *
 * @param entry the main file
 * @param file where to; the first report of the main thread replaces what is in it
 * @param who a thread that the domain has started, or the main one: before the domain's code is
 * loaded, or late, when the package has hidden the flag of Node's internals
 */
export function reportModules(entry: string | undefined, file: string, who: 'main' | 'late' | 'worker'): void {
  const loader = cascadedLoader(who === 'late');
  // Of code that fails Node keeps nothing, so what is asked for counts.
  const seen = new Set<string>(entry === undefined ? [] : [entry]);
  const told = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const report = () => {
    timer = undefined;
    const files = new Set([...seen, ...Object.keys(require.cache)].map(pathBehind));
    const fresh = [...files].filter((path): path is string => path !== undefined && isOfApp(path) && !told.has(path));
    seen.clear();
    if (fresh.length === 0) return;
    try {
      const { writeFileSync } = require('node:fs') as typeof import('node:fs');
      writeFileSync(file, `${fresh.join('\n')}\n`, { flag: told.size === 0 && who !== 'worker' ? 'w' : 'a' });
    } catch {
      // Fulcrum then takes every file of the domain's own folder for one of its modules.
    }
    for (const path of fresh) told.add(path);
  };
  const see = (name: string) => {
    seen.add(name);
    if (told.size > 0) timer ??= setTimeout(report, GATHER_MS).unref();
  };

  wrapResolve((resolve) => {
    const path = resolve();
    see(path);
    return path;
  });
  // Where that has hooks, it names what can't be parsed, too.
  nodeModule().registerHooks?.({
    resolve(specifier, context, next) {
      const found = next(specifier, context) as { url: string };
      see(found.url);
      return found;
    },
  });
  const cache = loader?.loadCache;
  if (cache) {
    for (const url of cache.keys()) see(url);
    const { set } = cache;
    cache.set = function (url, ...rest) {
      see(url);
      return set.call(this, url, ...rest);
    };
  }
  // Code that fails is code that is about to be changed.
  process.on('exit', report);
  setTimeout(report, who === 'late' ? 0 : FIRST_MS).unref();
}

/** The file behind a path or a URL; none behind a name of Node's own. */
function pathBehind(name: string): string | undefined {
  if (name.startsWith('/')) return name;
  return name.startsWith('file:') ? pathOf(name.replace(/[?#].*$/, '')) : undefined;
}

/** Packages aren't the app's code, and we aren't either. */
function isOfApp(path: string): boolean {
  return !path.includes('/node_modules/') && !path.includes('\n') && !path.startsWith(`${__dirname}/`);
}
