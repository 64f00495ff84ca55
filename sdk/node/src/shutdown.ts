import { describe, log } from './errors.ts';
import { canReleaseEventLoop, describeEventLoop, releaseEventLoop } from './event-loop.ts';
import { instances } from './registry.ts';
import { listenUnlessProgramDoes } from './stop-signal.ts';

/** The grace where the runtime names none, in milliseconds. */
let graceMs = 10_000;
/** The part of the grace, at most this many milliseconds, that is left for `onStop` and the last output. */
const RESERVE_MS = 500;
const RESERVE_SHARE = 0.1;
/** How often the deadline is compared with the time, in milliseconds. */
const CHECK_MS = 100;

/** Node's exit code where the main module never finishes. */
const UNSETTLED = 13;

/** When Fulcrum kills this process, in milliseconds of its uptime. */
let deadline: number | undefined;
let stopping = false;

/**
 * When this signal arrives and the program does not listen to it: drains every domain of this process,
 * then lets the event loop end the process, as it would without domains.
 */
export function stopOnSignal(signal: NodeJS.Signals): void {
  listenUnlessProgramDoes(signal, (received) => void stopProcess(received));
}

/** Records the time from a stop signal to the end, in milliseconds. */
export function setGrace(ms: number): void {
  graceMs = ms;
}

/** Records that the grace, in milliseconds, begins now. */
export function beginGrace(ms: number): void {
  deadline = uptimeMs() + ms;
}

/** How much of a grace requests may use, so that their responses still arrive. */
export function requestsDeadline(ms: number): number {
  return ms - reserve(ms);
}

async function stopProcess(signal: NodeJS.Signals): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (deadline === undefined) beginGrace(graceMs);
  // Does not keep the process alive, and so fires only if something else does until then.
  watchDeadline(signal);
  await Promise.allSettled([...instances()].map((domain) => domain.stop(requestsDeadline(remainingMs()))));
  allowUnsettledMain();
  if (canReleaseEventLoop()) await releaseEventLoop(remainingMs);
  else process.exit();
}

/** The end was requested, so a main module that waits for something else is no failure. */
function allowUnsettledMain(): void {
  process.exitCode ??= 0;
  // Newer versions of Node ignore that, and have printed a warning by now.
  process.on('exit', (code) => {
    if (code === UNSETTLED) process.exit(0);
  });
}

/** At the deadline, the signal has the effect that it has in a program without a listener. */
function watchDeadline(signal: NodeJS.Signals): void {
  const reserved = reserve(remainingMs());
  const check = () => {
    const left = remainingMs() - reserved / 2;
    // A `drain` that arrives after the signal may change the deadline.
    if (left > 0) {
      setTimeout(check, Math.min(left, CHECK_MS)).unref();
      return;
    }
    log(`still running at the end of its grace: ${describeEventLoop()}; listen to ${signal} to end in order, or unref() what may be cut off`);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  check();
}

function reserve(ms: number): number {
  return Math.min(RESERVE_MS, ms * RESERVE_SHARE);
}

function remainingMs(): number {
  return (deadline ?? 0) - uptimeMs();
}

/** Logs why this domain has failed, and exits with code 1. */
export function exitWithError(domain: string, error: unknown): never {
  log(`${domain}: ${describe(error)}`);
  process.exit(1);
}

function uptimeMs(): number {
  return process.uptime() * 1000;
}
