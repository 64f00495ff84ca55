import { nodeModule } from './builtins.ts';

/** By now a domain has started; it isn't worth a wake-up of its own before. */
const AFTER_MS = 2_000;

/**
 * Node writes its compile cache when the process ends by itself, which few domains do:
 * so that the next start finds it, it is written once this one is over.
 */
export function keepCompileCache(): void {
  if (!process.env.NODE_COMPILE_CACHE) return;
  setTimeout(() => nodeModule().flushCompileCache?.(), AFTER_MS).unref();
}
