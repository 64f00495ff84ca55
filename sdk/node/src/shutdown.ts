import { describe, say } from './errors.ts';
import { instances } from './registry.ts';

/** Time that requests at work have after a SIGTERM, in milliseconds. */
const SIGTERM_DEADLINE_MS = 10_000;

let watching = false;

/**
 * On SIGTERM, drains every domain of this process and exits 0, unless the program
 * handles the signal itself: then it is the program's affair.
 */
export function drainOnSigterm(): void {
  if (watching) return;
  watching = true;
  const onSigterm = () => {
    if (process.listeners('SIGTERM').some((listener) => listener !== onSigterm)) return;
    const stops = [...instances()].map((domain) => domain.stop(SIGTERM_DEADLINE_MS));
    void Promise.allSettled(stops).then(exitWhenAllStopped);
  };
  process.on('SIGTERM', onSigterm);
}

/** Exits 0 once no domain of this process runs any more. */
export function exitWhenAllStopped(): void {
  for (const domain of instances()) if (domain.running) return;
  process.exit(process.exitCode ?? 0);
}

/** Prints why this domain can't go on, and exits 1. */
export function die(domain: string, error: unknown): never {
  say(`${domain}: ${describe(error)}`);
  process.exit(1);
}
