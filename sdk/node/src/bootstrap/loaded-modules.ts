import { nodeModule, pathOf } from './builtins.ts';
import { cascadedLoader, wrapResolve } from './internals.ts';

/** When the first report is written: a domain has started by then. In milliseconds. */
const FIRST_MS = 200;
/** How long later modules are collected before the next report. */
const GATHER_MS = 50;

/**
 * Reports to Fulcrum which files of the app this process has loaded, so that a change of a file
 * restarts the domains that have loaded it, and no others. Paths are written to a file, one per line,
 * which Fulcrum reads when a file has changed. That works for code that never registers, too.
 *
 * @param entry the main file
 * @param file the file to write; the first report of the main thread replaces its content
 * @param origin a thread that the domain has started; or the main thread, before the domain's code
 * is loaded or deferred, when the package has hidden the flag of Node's internals
 */
export function reportModules(entry: string | undefined, file: string, origin: 'main' | 'deferred' | 'worker'): void {
  const loader = cascadedLoader(origin === 'deferred');
  // Node keeps no record of modules that fail, so requested files are collected.
  const pending = new Set<string>(entry === undefined ? [] : [entry]);
  const reported = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const report = () => {
    timer = undefined;
    const files = new Set([...pending, ...Object.keys(require.cache)].map(fileOf));
    const fresh = [...files].filter((path): path is string => path !== undefined && isOfApp(path) && !reported.has(path));
    pending.clear();
    if (fresh.length === 0) return;
    try {
      const { writeFileSync } = require('node:fs') as typeof import('node:fs');
      writeFileSync(file, `${fresh.join('\n')}\n`, { flag: reported.size === 0 && origin !== 'worker' ? 'w' : 'a' });
    } catch {
      // Fulcrum then treats every file of the domain's own directory as one of its modules.
    }
    for (const path of fresh) reported.add(path);
  };
  const addModule = (name: string) => {
    pending.add(name);
    if (reported.size > 0) timer ??= setTimeout(report, GATHER_MS).unref();
  };

  wrapResolve((resolve) => {
    const path = resolve();
    addModule(path);
    return path;
  });
  // Where these hooks exist, they report files that cannot be parsed, too.
  nodeModule().registerHooks?.({
    resolve(specifier, context, next) {
      const found = next(specifier, context) as { url: string };
      addModule(found.url);
      return found;
    },
  });
  const cache = loader?.loadCache;
  if (cache) {
    for (const url of cache.keys()) addModule(url);
    const { set } = cache;
    cache.set = function (url, ...rest) {
      addModule(url);
      return set.call(this, url, ...rest);
    };
  }
  // Code that fails is likely to be edited, so it must be reported.
  process.on('exit', report);
  setTimeout(report, origin === 'deferred' ? 0 : FIRST_MS).unref();
}

/** The file of a path or URL; none for Node's own modules. */
function fileOf(name: string): string | undefined {
  if (name.startsWith('/')) return name;
  return name.startsWith('file:') ? pathOf(name.replace(/[?#].*$/, '')) : undefined;
}

/** Excludes packages and this package itself. */
function isOfApp(path: string): boolean {
  return !path.includes('/node_modules/') && !path.includes('\n') && !path.startsWith(`${__dirname}/`);
}
