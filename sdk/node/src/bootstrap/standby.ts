import { nodeModule } from './builtins.ts';
import type { SparePlan } from './plan.ts';

/** What a spare is told when its time has come. */
interface Activation {
  /** Variables that differ from those it was started with. */
  env: Record<string, string>;
  /** The working directory: the folder may be another one of the same name by now. */
  cwd: string;
}

/** A base class that can dial ahead: `warm.ts` in the package. */
type Warming = { DomainBase?: { [key: symbol]: unknown } };
const WARM = Symbol.for('fulcrum.domain.warm');

/** How long a connection that was dialled ahead waits for the domain's code to take it over. */
const UNWANTED_MS = 10_000;

/** The newest Node of which it is known that it begins programs by `Module.runMain`. */
const NEWEST_MAJOR = 26;

/** Whether this Node can be kept from running the program. */
export function canStandBy(): boolean {
  return parseInt(process.versions.node, 10) <= NEWEST_MAJOR && typeof nodeModule().runMain === 'function';
}

/**
 * Makes this process a spare: it is booted and connected, and begins with the domain's code when
 * Fulcrum says so. Node itself calls `Module.runMain` once all preloads are done, with everything
 * in place that a program can see (`process.argv`, the main module's path, …); only that call is
 * put off. So the program runs as it does after a cold start, in a module graph of its own.
 *
 * What Fulcrum says is one line on standard input, read through a second descriptor: the first is
 * untouched when the domain comes to look at it.
 *
 * @param begin is called with the domain's environment in place, just before its code is loaded
 */
export function standBy(spare: SparePlan, begin: () => void): void {
  const open = nodeModule();
  const { runMain } = open;
  open.runMain = function (...args) {
    open.runMain = runMain;
    const warmth = warmUp(spare);
    awaitActivation(({ env, cwd }) => {
      Object.assign(process.env, env);
      process.chdir(cwd);
      beginUptime();
      // Not called from here, or our own frames would be at the end of the program's stacks; and
      // asked for before anything else is, or that would find no main module.
      setImmediate(runMain, ...args);
      begin();
      setTimeout(() => void warmth.then((cool) => cool?.()), UNWANTED_MS).unref();
    });
  };
}

/** Loads what the domain will load first, and dials; gives what ends the connection again. */
async function warmUp({ required, imported }: SparePlan): Promise<(() => void) | undefined> {
  try {
    let own: Warming | undefined;
    if (required !== null) own = require(required) as Warming;
    if (imported !== null) own = (await import(imported)) as Warming;
    const warm = own?.DomainBase?.[WARM];
    return typeof warm === 'function' ? (warm as () => () => void)() : undefined;
  } catch {
    // The domain will meet the same, and has words for it.
    return undefined;
  }
}

function awaitActivation(activate: (activation: Activation) => void): void {
  const { openSync } = require('node:fs') as typeof import('node:fs');
  const { Socket } = require('node:net') as typeof import('node:net');
  // Opened anew it has flags of its own, so that of the domain stays as Node expects it.
  const channel = new Socket({ fd: openSync('/proc/self/fd/0', 'r'), readable: true, writable: false });
  let text = '';
  channel.setEncoding('utf8');
  channel.on('data', (chunk: string) => {
    text += chunk;
    if (!text.endsWith('\n')) return;
    channel.removeAllListeners('end');
    channel.destroy();
    activate(JSON.parse(text) as Activation);
  });
  // Fulcrum is gone, and nobody will ever need this process.
  channel.on('end', () => process.exit(0));
  channel.on('error', () => process.exit(0));
}

/** `process.uptime()` tells how long the domain runs, not how long the process has waited for it. */
function beginUptime(): void {
  const native = process.uptime;
  const waited = native();
  process.uptime = function uptime() {
    return native() - waited;
  };
}
