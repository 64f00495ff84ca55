const FIRST_MS = 250;
const FACTOR = 2;
const MAX_MS = 5_000;
/** ± 25 %, so that the domains of an app do not all connect at the same moment. */
const JITTER = 0.25;

/**
 * Milliseconds to wait before the next connection attempt, after `failures` failed ones.
 *
 * @param random a number from 0 to 1, the source of jitter
 */
export function backoffDelay(failures: number, random: number): number {
  const plain = Math.min(MAX_MS, FIRST_MS * FACTOR ** Math.min(failures, 16));
  return plain * (1 - JITTER + 2 * JITTER * random);
}
