const FIRST_MS = 250;
const FACTOR = 2;
const LONGEST_MS = 5_000;
/** A quarter more or less, so that the domains of an app don't all dial in the same instant. */
const JITTER = 0.25;

/**
 * Milliseconds to wait before the dial after `failures` failed ones (0 for the first wait).
 *
 * @param random a number from 0 to 1, the source of jitter
 */
export function backoffDelay(failures: number, random: number): number {
  const plain = Math.min(LONGEST_MS, FIRST_MS * FACTOR ** Math.min(failures, 16));
  return plain * (1 - JITTER + 2 * JITTER * random);
}
