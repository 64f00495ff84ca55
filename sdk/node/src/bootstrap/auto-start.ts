import { readFileSync, realpathSync } from 'node:fs';
import { urlOf } from './builtins.ts';

/** A class that makes domains, as far as it concerns us. */
interface DomainClass {
  new (): { start(): unknown };
  prototype: object;
}

const BRAND = Symbol.for('fulcrum.domain');
const INSTANCES = Symbol.for('fulcrum.domain.instances');

/** How long an entry that makes its own instance may take to do so, in milliseconds. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 100;
/** When an entry that most likely starts itself is looked at all the same. */
const LATER_MS = 200;

/**
 * Starts a domain whose entry only default-exports its class (or an instance of the SDK's
 * base that nobody started). An entry that starts itself is left alone.
 */
export function autoStart(entry: string, starts: boolean): void {
  // The main module is evaluated after all preloads; a CommonJS one, by the next turn of the loop.
  const look = () => {
    const main = process.mainModule;
    if (main?.loaded) void start(main.exports, entry);
    // Otherwise the ES module loader runs it (import() gives the same instance, once it is
    // evaluated), or it threw, which Node reports by itself.
    else if (main === undefined || preloadsModules()) importMain(entry);
  };
  // Looking takes Node a millisecond or two, which an entry that starts itself is spared.
  if (starts) setTimeout(look, LATER_MS);
  else setImmediate(look);
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

/** With --import, Node takes even a CommonJS entry through the ES module loader. */
function preloadsModules(): boolean {
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  return /(^|\s)--(import|(experimental-)?loader)\b/.test(flags);
}

async function start(exports: unknown, entry: string): Promise<void> {
  const exported = defaultOf(exports);
  try {
    if (isStoppedSdkInstance(exported)) await exported.start();
    else if (isDomainClass(exported) && !(await startsItself(exported, entry))) await new exported().start();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`fulcrum: the domain failed to start: ${text}\n`);
    process.exit(1);
  }
}

/** The default export behind the wrappings of module formats and transpilers. */
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

/** An instance of the SDK's base: its start() is one start however often it is called. */
function isStoppedSdkInstance(value: unknown): value is { start(): unknown } {
  return typeof value === 'object' && value !== null && BRAND in value;
}

async function startsItself(exported: DomainClass, entry: string): Promise<boolean> {
  if (isConstructed(exported)) return true;
  if (!mentionsNew(entry, exported.name)) return false;
  // It makes an instance somewhere, perhaps after something asynchronous.
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_EVERY_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (isConstructed(exported)) return true;
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

/** V8 knows the living objects of any class (Node 20.13 and later). */
function hasInstances(exported: DomainClass): boolean {
  const { queryObjects } = require('node:v8') as { queryObjects?: (ctor: unknown, options: { format: 'count' }) => number };
  if (!queryObjects) return false;
  const { emitWarning } = process;
  // It is experimental, which is our concern and not that of who reads the domain's log.
  process.emitWarning = () => undefined;
  try {
    return queryObjects(exported, { format: 'count' }) > 0;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Whether the entry says `new Name` outside its comments. */
function mentionsNew(entry: string, name: string): boolean {
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
