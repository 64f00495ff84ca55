/** How TypeScript is loaded. */
export interface TypeScriptConfig {
  /** File with the table of what was compiled and resolved before the start. */
  manifest: string;
  /** Command that answers questions about files that are not in the table: it gets one argument, JSON. */
  helper: string[];
  /** Every file is CommonJS, so the ES module loader needs no hook. */
  commonjs: boolean;
  /** Some file has a source map. */
  maps: boolean;
}

/** What a standby process loads in advance; no code of the domain. */
export interface StandbyConfig {
  /** The file of Fulcrum's package that the domain will `require`. */
  required: string | null;
  /** The URL of the file that it will `import`. */
  imported: string | null;
}

/** The configuration of the bootstrap, from the environment. */
export interface BootstrapConfig {
  /** The pid of the instance that spawned the domain. */
  parent: number;
  /** The domain's entry, as in `process.argv[1]`. */
  entry: string;
  /** The entry's text contains `.start(`: most likely it starts itself. */
  starts: boolean;
  ts: TypeScriptConfig | null;
  /** Directory of `@fulcrum/domain`, for domains that have not installed it. */
  sdk: string | null;
  /** URL of the bootstrap, where it is not preloaded: the package loads it later. */
  deferred: string | null;
  /** File for the paths of loaded files. */
  modules: string | null;
  /** This process is a standby process: it waits for its activation. */
  standby: StandbyConfig | null;
  /** The variable was added for a child whose environment is its own, and is removed from it. */
  hidden: boolean;
}

const VERSION = 2;

/** The configuration in `FULCRUM_BOOTSTRAP`; undefined when there is no valid one. */
export function readConfig(text: string | undefined): BootstrapConfig | undefined {
  if (!text) return undefined;
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || value.v !== VERSION) return undefined;
  const { parent, entry, starts, ts, sdk, later: deferred, modules, spare: standby, hidden } = value;
  if (typeof parent !== 'number' || typeof entry !== 'string') return undefined;
  return { parent, entry, starts: starts === true, ts: readTypeScript(ts), sdk: textOrNull(sdk), deferred: textOrNull(deferred), modules: textOrNull(modules), standby: readStandby(standby), hidden: hidden === true };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function readStandby(value: unknown): StandbyConfig | null {
  if (typeof value !== 'object' || value === null) return null;
  const { required, imported } = value as Record<string, unknown>;
  return { required: textOrNull(required), imported: textOrNull(imported) };
}

function readTypeScript(value: unknown): TypeScriptConfig | null {
  if (typeof value !== 'object' || value === null) return null;
  const { manifest, helper, commonjs, maps } = value as Record<string, unknown>;
  if (typeof manifest !== 'string' || !Array.isArray(helper) || !helper.every((part) => typeof part === 'string')) return null;
  return { manifest, helper, commonjs: commonjs === true, maps: maps === true };
}

/**
 * Whether this is the process of the domain: not a worker thread or a forked process, which load the
 * bootstrap too.
 */
export function isDomainProcess(config: BootstrapConfig): boolean {
  return process.ppid === config.parent && process.argv[1] === config.entry && !isWorker();
}

/** Whether this is a worker thread of the domain. */
export function isDomainWorker(config: BootstrapConfig): boolean {
  return process.ppid === config.parent && isWorker();
}

/** Whether this is a worker thread. It cannot abort the process. worker_threads would show it too, and takes 2 ms to load. */
export function isWorker(): boolean {
  return 'disabled' in process.abort;
}
