import { nodeModule } from './builtins.ts';
import { hasInternals } from './host.ts';
import { DATA_KEY, INTERNALS_FLAG, VARIABLE, addedPreload } from './inherited.ts';
import { type Callable, wrap } from './wrap.ts';

/** What children of this process need. */
export interface Inheritance {
  /** The configuration of this process, as JSON. */
  config: string;
  /** Worker threads load the bootstrap by themselves, as this process was started with it. */
  preloaded: boolean;
  /** Called before a child starts. */
  starting(): void;
  /** The file to run instead of one that does not exist. */
  entry(path: string): string;
}

type ForkOptions = { env?: NodeJS.ProcessEnv; execArgv?: readonly string[]; execPath?: string };
type WorkerOptions = { env?: unknown; execArgv?: readonly string[]; eval?: boolean };

let inheritance: Inheritance | undefined;
const PATCHES: Record<string, (inheritance: Inheritance) => void> = { child_process: patchFork, worker_threads: patchWorker };

/**
 * Makes `fork` and `Worker` pass the bootstrap on where the domain gives an environment or arguments of
 * its own. Node's modules are changed when the domain first asks for them, as each takes a millisecond
 * to load.
 */
export function hookChildren(next: Inheritance): void {
  inheritance = next;
  const loaded = (process as unknown as { moduleLoadList?: readonly string[] }).moduleLoadList ?? [];
  for (const id of Object.keys(PATCHES)) if (loaded.includes(`NativeModule ${id}`)) noteSpecifier(id);
  hookGetBuiltinModule();
  // Earlier versions do not ask the hooks, nor the resolution, about names with `node:`.
  if (!nodeModule().registerHooks) hookLoad();
}

/** Must be told of every specifier that is resolved. */
export function noteSpecifier(specifier: string): void {
  const id = specifier.startsWith('node:') ? specifier.slice('node:'.length) : specifier;
  if (!inheritance || !Object.hasOwn(PATCHES, id)) return;
  const patch = PATCHES[id];
  delete PATCHES[id];
  patch?.(inheritance);
  nodeModule().syncBuiltinESMExports();
}

function hookGetBuiltinModule(): void {
  const open = process as { getBuiltinModule?: Callable };
  if (open.getBuiltinModule) open.getBuiltinModule = wrap(open.getBuiltinModule, (args) => {
    noteSpecifier(String(args[0]));
    return args;
  });
}

/** On the stack of whatever is required, so its frame has the name of Node's own. */
function hookLoad(): void {
  const text = `(function (native, note) {
  return { _load(request) {
    if (request === 'node:child_process' || request === 'node:worker_threads') note(request);
    return native.apply(this, arguments);
  } }._load;
})`;
  const { runInThisContext } = require('node:vm') as typeof import('node:vm');
  const open = nodeModule();
  const make = runInThisContext(text, { filename: 'node:internal/modules/cjs/loader' }) as (native: typeof open._load, note: typeof noteSpecifier) => typeof open._load;
  open._load = make(open._load, noteSpecifier);
}

function patchFork(from: Inheritance): void {
  const open = require('node:child_process') as unknown as { fork: Callable };
  open.fork = wrap(open.fork, (args) => {
    from.starting();
    const [path, second] = args;
    const at = typeof second === 'object' && second !== null && !Array.isArray(second) ? 1 : 2;
    const options = (args[at] ?? {}) as ForkOptions;
    if (typeof options !== 'object' || (options.execPath && options.execPath !== process.execPath)) return args;
    const changed = [...args];
    if (typeof path === 'string') changed[0] = from.entry(path);
    changed[at] = { ...options, execArgv: childArguments(options.execArgv || process.execArgv), env: childEnvironment(options.env || process.env, from) };
    if (at === 2) changed[1] ??= [];
    return changed;
  });
}

function patchWorker(from: Inheritance): void {
  const open = require('node:worker_threads') as unknown as { Worker: Callable & { prototype: object }; setEnvironmentData(key: string, value: string): void };
  const Worker = wrap(open.Worker, (args) => {
    from.starting();
    const options = (args[1] ?? {}) as WorkerOptions;
    if (typeof options !== 'object') return args;
    open.setEnvironmentData(DATA_KEY, currentConfig(from));
    const changed = [...args];
    if (typeof args[0] === 'string' && !options.eval) changed[0] = from.entry(args[0]);
    if (args[0] instanceof URL && args[0].protocol === 'file:') changed[0] = workerUrl(args[0], from);
    const execArgv = options.execArgv ?? (from.preloaded ? lostArguments(options) : process.execArgv);
    if (Array.isArray(execArgv)) changed[1] = { __proto__: options, execArgv: childArguments(execArgv) };
    return changed;
  });
  Object.defineProperty(Worker.prototype, 'constructor', { value: Worker, configurable: true, writable: true, enumerable: false });
  open.Worker = Worker;
}

/** Node before 20.18 gives a worker no arguments if it has an environment of its own. */
function lostArguments({ env }: WorkerOptions): readonly string[] | undefined {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major === 20 && minor < 18 && typeof env === 'object' && env !== null ? [] : undefined;
}

function workerUrl(url: URL, from: Inheritance): URL {
  const { fileURLToPath, pathToFileURL } = require('node:url') as typeof import('node:url');
  const path = fileURLToPath(url);
  const entry = from.entry(path);
  if (entry === path) return url;
  const changed = pathToFileURL(entry);
  changed.search = url.search;
  changed.hash = url.hash;
  return changed;
}

/** The arguments of Node for a child, with the preload. */
function childArguments(args: readonly string[]): string[] {
  const preload = addedPreload();
  const added = args.includes(preload[1]) ? [] : preload;
  return [...(hasInternals() && !args.includes(INTERNALS_FLAG) ? [INTERNALS_FLAG] : []), ...added, ...args];
}

/** The environment of a child; the configuration that is added removes itself there. */
function childEnvironment(env: NodeJS.ProcessEnv, from: Inheritance): NodeJS.ProcessEnv {
  return env[VARIABLE] === undefined ? { ...env, [VARIABLE]: JSON.stringify({ ...(JSON.parse(currentConfig(from)) as object), hidden: true }) } : env;
}

/** A standby process gets another one when it is activated. */
function currentConfig(from: Inheritance): string {
  return process.env[VARIABLE] ?? from.config;
}
