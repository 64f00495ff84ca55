/** Below the ports that Fulcrum gives to domains (20000), and those that systems choose (32768). */
const FIRST_PORT = 10_000;
const PORTS = 10_000;

/**
 * Sets the port at which SIGUSR1 opens this process's inspector. Node's own, 9229, is the same for all
 * processes, so of several domains only one could be inspected. It is not 0, as `cluster` counts from
 * it. A port that the user has chosen stays, and so does the one of an inspector that is open.
 */
export function chooseInspectorPort(): void {
  const flags = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  if (flags.some((flag) => flag.startsWith('--inspect') || flag.startsWith('--debug-port'))) return;
  process.debugPort = FIRST_PORT + (process.pid % PORTS);
}
