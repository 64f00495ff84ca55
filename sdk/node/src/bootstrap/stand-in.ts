import { hideInternalsFlag } from './internals.ts';
import { blockOnPipes } from './output.ts';
import { isDomainProcess, readPlan } from './plan.ts';

/** When the bootstrap follows: an entry that starts itself has done so by then. In milliseconds. */
const LATER_MS = 200;

/**
 * Does what can't wait of the bootstrap's work, where Fulcrum has found that this package is
 * the first thing that the entry imports: a preload costs a domain two milliseconds of its
 * start. The rest, which can wait, is done by the bootstrap itself, loaded later.
 */
export function standIn(): void {
  const text = process.env.FULCRUM_BOOTSTRAP;
  // Whether there is anything to do is told without parsing.
  if (!text?.includes('"later":"')) return;
  hideInternalsFlag();
  const plan = readPlan(text);
  if (!plan?.later || !isDomainProcess(plan)) return;
  const { later } = plan;
  blockOnPipes();
  setTimeout(() => void import(later), LATER_MS);
}
