/**
 * Loaded by Bun and Deno before a domain (`bun --preload preload.mjs entry`). Applies the configuration
 * in `FULCRUM_PRELOAD`, and does nothing without it.
 */
import { autoStart } from './auto-start.ts';

const text = process.env.FULCRUM_PRELOAD;
if (text !== undefined) {
  // Programs that the domain starts are not the domain.
  delete process.env.FULCRUM_PRELOAD;
  const { entry, starts } = JSON.parse(text) as { entry: string; starts: boolean };
  autoStart(entry, starts, true);
}
