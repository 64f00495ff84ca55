/** The flag that exposes Node's internals. */
export const INTERNALS_FLAG = '--expose-internals';
/** The variable with the configuration. */
export const VARIABLE = 'FULCRUM_BOOTSTRAP';
/** The key under which worker threads find the configuration. Only who knows it sees it. */
export const DATA_KEY = 'fulcrum.bootstrap';

/**
 * The arguments that are added for a child: not as Fulcrum writes them, as they are hidden from the
 * child's code.
 */
export function addedPreload(): [string, string] {
  return ['-r', `${__dirname}/bootstrap.cjs`];
}

/** Hides them, from this process's code and its own children. */
export function hideAddedPreload(): void {
  const [flag, file] = addedPreload();
  const at = process.execArgv.findIndex((word, index) => word === flag && process.execArgv[index + 1] === file);
  if (at >= 0) process.execArgv.splice(at, 2);
}

/** The configuration that a worker thread was given beside its environment. */
export function inheritedConfig(): string | undefined {
  const data = (require('node:worker_threads') as typeof import('node:worker_threads')).getEnvironmentData(DATA_KEY);
  return typeof data === 'string' ? data : undefined;
}
