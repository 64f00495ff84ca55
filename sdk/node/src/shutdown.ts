import { describe, log } from './errors.ts';
import { instances } from './registry.ts';

/** How long running requests may take after SIGTERM, in milliseconds. */
const SIGTERM_DEADLINE_MS = 10_000;

let installed = false;

/**
 * On SIGTERM, drains every domain of this process and exits 0, unless the program handles the signal
 * itself.
 */
export function drainOnSigterm(): void {
  if (installed) return;
  installed = true;
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

/** Logs why this domain has failed, and exits with code 1. */
export function exitWithError(domain: string, error: unknown): never {
  log(`${domain}: ${describe(error)}`);
  process.exit(1);
}
