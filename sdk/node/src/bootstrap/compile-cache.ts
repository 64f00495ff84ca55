import { nodeModule } from './builtins.ts';

/** A domain has started by then, so the write does not delay its start. */
const FLUSH_DELAY_MS = 2_000;

/**
 * Node writes its compile cache when a process exits by itself, which few domains do. So it is
 * written once the start is complete, for the next start.
 */
export function flushCompileCacheLater(): void {
  if (!process.env.NODE_COMPILE_CACHE) return;
  setTimeout(() => nodeModule().flushCompileCache?.(), FLUSH_DELAY_MS).unref();
}
