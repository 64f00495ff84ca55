import { nodeModule, pathOf } from './builtins.ts';
import { cascadedLoader, wrapResolve } from './internals.ts';

/** When the first report is written: a domain has started by then. In milliseconds. */
const FIRST_MS = 200;
/** How long later modules are collected before the next report. */
const GATHER_MS = 50;

/** What is reported, and by whom. */
export interface ModuleReport {
  /** The main file of this process. */
  entry: string | undefined;
  /** The file to write. The first report of the domain's own process replaces its content. */
  file: string;
  /**
   * The domain's own process, before its code is loaded; or deferred, when the package has hidden the
   * flag of Node's internals; or another process or thread that the domain has started.
   */
  origin: 'main' | 'deferred' | 'child';
  /** Other files that decide what is loaded. */
  inputs(): Iterable<string>;
  /** Is told of every specifier. */
  noteSpecifier(specifier: string): void;
}

/**
 * Reports to Fulcrum which files of the app this process has loaded, so that a change of a file
 * restarts the domains that have loaded it, and no others. Paths are written to a file, one per line,
 * which Fulcrum reads when a file has changed. That works for code that never registers, too.
 *
 * @returns reports at once what was not reported yet
 */
export function reportModules({ entry, file, origin, inputs, noteSpecifier }: ModuleReport): () => void {
  const loader = cascadedLoader(origin === 'deferred');
  // Node keeps no record of modules that fail, so requested files are collected.
  const pending = new Set<string>(entry === undefined ? [] : [entry]);
  const reported = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const report = () => {
    timer = undefined;
    const files = new Set([...pending, ...Object.keys(require.cache), ...inputs()].map(fileOf));
    const fresh = [...files].filter((path): path is string => path !== undefined && isOfApp(path) && !reported.has(path));
    pending.clear();
    if (fresh.length === 0) return;
    try {
      const { writeFileSync } = require('node:fs') as typeof import('node:fs');
      writeFileSync(file, `${fresh.join('\n')}\n`, { flag: reported.size === 0 && origin !== 'child' ? 'w' : 'a' });
    } catch {
      // Fulcrum then treats every file of the domain's own directory as one of its modules.
    }
    for (const path of fresh) reported.add(path);
  };
  const addModule = (name: string) => {
    noteSpecifier(name);
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
      noteSpecifier(specifier);
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
  return report;
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
