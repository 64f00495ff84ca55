import { readConfig, isDomainProcess } from './config.ts';
import { hideInternalsFlag } from './internals.ts';
import { blockOnPipes } from './output.ts';

/** When the bootstrap is loaded: an entry that starts itself has done so by then. In milliseconds. */
const DEFER_MS = 200;

/**
 * Does the part of the bootstrap's work that cannot be deferred, where Fulcrum has found that this
 * package is the first import of the entry: a preload costs a domain two milliseconds of its start.
 * The bootstrap itself is loaded later and does the rest.
 */
export function deferBootstrap(): void {
  const text = process.env.FULCRUM_BOOTSTRAP;
  // Cheaper than parsing it in a process that has nothing to defer.
  if (!text?.includes('"later":"')) return;
  hideInternalsFlag();
  const config = readConfig(text);
  if (!config?.deferred || !isDomainProcess(config)) return;
  const { deferred } = config;
  blockOnPipes();
  setTimeout(() => void import(deferred), DEFER_MS);
}
