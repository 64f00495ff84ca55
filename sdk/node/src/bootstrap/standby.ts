import { nodeModule } from './builtins.ts';
import type { StandbyConfig } from './config.ts';

/** The activation of a standby process. */
interface Activation {
  /** Variables that differ from the initial environment. */
  env: Record<string, string>;
  /** The working directory: another directory may have the same name by now. */
  cwd: string;
}

/** A base class that can connect in advance: `prepared-transport.ts` in the package. */
type WarmUpApi = { DomainBase?: { [key: symbol]: unknown } };
const PREPARE_TRANSPORT = Symbol.for('fulcrum.domain.warm');

/** How long a prepared connection waits for the domain's code to take it over. */
const WARM_CONNECTION_TTL_MS = 10_000;

/** The newest Node that is known to run programs by `Module.runMain`. */
const MAX_TESTED_MAJOR = 26;

/** Whether running the program can be delayed on this Node. */
export function canStandBy(): boolean {
  return parseInt(process.versions.node, 10) <= MAX_TESTED_MAJOR && typeof nodeModule().runMain === 'function';
}

/**
 * Makes this process a standby process: it is booted and connected, and loads the domain's code when
 * Fulcrum activates it. Node itself calls `Module.runMain` once all preloads are done, with everything
 * in place that a program can observe (`process.argv`, the main module's path, …); only that call is
 * delayed. So the program runs as after a cold start, in a module graph of its own.
 *
 * The activation is one line on standard input, read through a second descriptor, so that the first
 * one is unused when the domain reads from it.
 *
 * @param start called with the domain's environment in place, just before its code is loaded
 */
export function standBy(config: StandbyConfig, start: () => void): void {
  const open = nodeModule();
  const { runMain } = open;
  open.runMain = function (...args) {
    open.runMain = runMain;
    const prepared = warmUp(config);
    awaitActivation(({ env, cwd }) => {
      Object.assign(process.env, env);
      process.chdir(cwd);
      resetUptime();
      // Not called directly, or frames of this file would be in the program's stacks. Scheduled
      // before anything else, which needs the main module.
      setImmediate(runMain, ...args);
      start();
      setTimeout(() => void prepared.then((discard) => discard?.()), WARM_CONNECTION_TTL_MS).unref();
    });
  };
}

/** Loads the SDK, and connects. Resolves with a function that closes the connection. */
async function warmUp({ required, imported }: StandbyConfig): Promise<(() => void) | undefined> {
  try {
    let sdk: WarmUpApi | undefined;
    if (required !== null) sdk = require(required) as WarmUpApi;
    if (imported !== null) sdk = (await import(imported)) as WarmUpApi;
    const prepare = sdk?.DomainBase?.[PREPARE_TRANSPORT];
    return typeof prepare === 'function' ? (prepare as () => () => void)() : undefined;
  } catch {
    // The domain will fail in the same way, and report it.
    return undefined;
  }
}

function awaitActivation(activate: (activation: Activation) => void): void {
  const { openSync } = require('node:fs') as typeof import('node:fs');
  const { Socket } = require('node:net') as typeof import('node:net');
  // Opened separately it has flags of its own, so those of the domain's descriptor do not change.
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
  // Fulcrum has exited, so this process is never activated.
  channel.on('end', () => process.exit(0));
  channel.on('error', () => process.exit(0));
}

/** Makes `process.uptime()` count from the activation. */
function resetUptime(): void {
  const native = process.uptime;
  const waited = native();
  process.uptime = function uptime() {
    return native() - waited;
  };
}
