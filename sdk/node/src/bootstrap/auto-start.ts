import { readFileSync, realpathSync } from 'node:fs';
import { urlOf } from './builtins.ts';
import { isConnected } from './connected.ts';

/** The parts of a domain class that are used here. */
interface DomainClass {
  new (): { start(): unknown };
  prototype: object;
}

const BRAND = Symbol.for('fulcrum.domain');
const INSTANCES = Symbol.for('fulcrum.domain.instances');

/** How long an entry that creates its own instance may take to do so, in milliseconds. */
const SETTLE_TIMEOUT_MS = 2_000;
const POLL_INTERVAL_MS = 100;
/** When an entry that most likely starts itself is inspected. */
const DEFER_MS = 200;

/**
 * Starts a domain whose entry only exports its class as default (or an instance of the SDK's base
 * class that is not started). An entry that starts itself is left alone. `imports` is
 * for a runtime that loads every entry as an ES module.
 */
export function autoStart(entry: string, starts: boolean, imports = false): void {
  // The main module is evaluated after all preloads; a CommonJS one, by the next turn of the loop.
  const inspect = () => {
    if (imports) return importMain(entry);
    const main = process.mainModule;
    if (main?.loaded) void start(main.exports, entry);
    // Otherwise the ES module loader runs it (import() returns the same instance once it is
    // evaluated), or it threw, which Node itself reports.
    else if (main === undefined || preloadsModules()) importMain(entry);
  };
  // The inspection takes a millisecond or two, so it is deferred for an entry that starts itself.
  if (starts) setTimeout(inspect, DEFER_MS);
  else setImmediate(inspect);
}

function importMain(entry: string): void {
  let url: string;
  try {
    url = urlOf(realpathSync(entry));
  } catch {
    return;
  }
  import(url).then((exports) => start(exports, entry), () => undefined);
}

/** With --import, Node loads even a CommonJS entry with the ES module loader. */
function preloadsModules(): boolean {
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  return /(^|\s)--(import|(experimental-)?loader)\b/.test(flags);
}

async function start(exports: unknown, entry: string): Promise<void> {
  const exported = defaultOf(exports);
  try {
    if (isStoppedSdkInstance(exported)) await exported.start();
    else if (isDomainClass(exported) && !(await isSelfStarting(exported, entry))) await new exported().start();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`fulcrum: the domain failed to start: ${text}\n`);
    process.exit(1);
  }
}

/** The default export, unwrapped from module formats and transpilers. */
function defaultOf(exports: unknown): unknown {
  let value = exports;
  for (let depth = 0; depth < 2; depth++) {
    if (typeof value !== 'object' || value === null || !('default' in value)) break;
    value = value.default;
  }
  return value;
}

function isDomainClass(value: unknown): value is DomainClass {
  return typeof value === 'function' && typeof (value.prototype as { start?: unknown } | undefined)?.start === 'function';
}

/** An instance of the SDK's base class: repeated calls of its start() have no effect. */
function isStoppedSdkInstance(value: unknown): value is { start(): unknown } {
  return typeof value === 'object' && value !== null && BRAND in value;
}

async function isSelfStarting(exported: DomainClass, entry: string): Promise<boolean> {
  if (isConstructed(exported)) return true;
  if (!mentionsConstruction(entry, exported.name)) return false;
  // It creates an instance somewhere, perhaps asynchronously. One that nothing refers to any more cannot
  // be counted, but has connected.
  for (let waited = 0; waited < SETTLE_TIMEOUT_MS; waited += POLL_INTERVAL_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    if (isConstructed(exported) || isConnected(process.env.FULCRUM_GRPC_SERVER)) return true;
  }
  return false;
}

function isConstructed(exported: DomainClass): boolean {
  if (BRAND in exported.prototype) {
    const instances = (globalThis as { [INSTANCES]?: Set<object> })[INSTANCES];
    return [...(instances ?? [])].some((instance) => instance instanceof exported);
  }
  return hasInstances(exported);
}

/** V8 can count the objects of any class (Node 20.13 and later). */
function hasInstances(exported: DomainClass): boolean {
  const { queryObjects } = require('node:v8') as { queryObjects?: (ctor: unknown, options: { format: 'count' }) => number };
  if (!queryObjects) return false;
  const { emitWarning } = process;
  // Suppresses the warning that it is experimental, which would appear in the domain's log.
  process.emitWarning = () => undefined;
  try {
    return queryObjects(exported, { format: 'count' }) > 0;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Whether the entry contains `new Name` outside of comments. */
function mentionsConstruction(entry: string, name: string): boolean {
  if (!/^[\w$]+$/.test(name)) return false;
  try {
    const text = readFileSync(entry, 'utf8');
    if (!/\bnew\s/.test(text)) return false;
    const code = text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*/gm, '$1');
    return new RegExp(`\\bnew\\s+${name.replaceAll('$', '\\$')}(?![\\w$])`).test(code);
  } catch {
    return false;
  }
}
