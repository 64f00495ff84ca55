/** How TypeScript is handed to a Node that can't strip types by itself. */
export interface TypeScriptPlan {
  /** File that maps absolute paths to code stripped ahead. */
  manifest: string;
  /** Command that strips one file, whose path is appended: for files the manifest doesn't know. */
  strip: string[];
  /** Every file is CommonJS, so the ES module loader needs no hook. */
  commonjs: boolean;
}

/** What a spare loads ahead: nothing of it belongs to the domain. */
export interface SparePlan {
  /** The file of Fulcrum's own package that the domain will `require`. */
  required: string | null;
  /** The URL of the one that it will `import`. */
  imported: string | null;
}

/** What Fulcrum asks of the bootstrap, from the environment. */
export interface Plan {
  /** Process id of the Fulcrum that spawned the domain. */
  parent: number;
  /** The domain's entry, as it stands in `process.argv[1]`. */
  entry: string;
  /** The entry's text says `.start(`: most likely it starts itself. */
  starts: boolean;
  ts: TypeScriptPlan | null;
  /** Folder of `@fulcrum/domain` for where it isn't installed. */
  sdk: string | null;
  /** URL of the bootstrap, where it isn't preloaded: the package stands in for it and loads it later. */
  later: string | null;
  /** File for the paths of what the domain has loaded. */
  modules: string | null;
  /** This process waits, for the moment at which the domain's code is to be loaded. */
  spare: SparePlan | null;
}

const VERSION = 1;

/** The plan in `FULCRUM_BOOTSTRAP`; undefined when there is none that can be followed. */
export function readPlan(text: string | undefined): Plan | undefined {
  if (!text) return undefined;
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || value.v !== VERSION) return undefined;
  const { parent, entry, starts, ts, sdk, later, modules, spare } = value;
  if (typeof parent !== 'number' || typeof entry !== 'string') return undefined;
  return { parent, entry, starts: starts === true, ts: readTypeScript(ts), sdk: textOrNull(sdk), later: textOrNull(later), modules: textOrNull(modules), spare: readSpare(spare) };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function readSpare(value: unknown): SparePlan | null {
  if (typeof value !== 'object' || value === null) return null;
  const { required, imported } = value as Record<string, unknown>;
  return { required: textOrNull(required), imported: textOrNull(imported) };
}

function readTypeScript(value: unknown): TypeScriptPlan | null {
  if (typeof value !== 'object' || value === null) return null;
  const { manifest, strip, commonjs } = value as Record<string, unknown>;
  if (typeof manifest !== 'string' || !Array.isArray(strip) || !strip.every((part) => typeof part === 'string')) return null;
  return { manifest, strip, commonjs: commonjs === true };
}

/**
 * Whether this is the domain itself: not a worker thread and not a process that it forked,
 * both of which load the bootstrap too.
 */
export function isDomainProcess(plan: Plan): boolean {
  return process.ppid === plan.parent && process.argv[1] === plan.entry && !isWorker();
}

/** Whether this is a thread that the domain itself has started. */
export function isDomainWorker(plan: Plan): boolean {
  return process.ppid === plan.parent && isWorker();
}

/** worker_threads would say it too, and takes 2 ms to load: a worker may not abort the process. */
function isWorker(): boolean {
  return 'disabled' in process.abort;
}
