import type { DomainBase } from './domain.ts';

/**
 * Every domain constructed in this process, whichever copy of this package made it.
 * The bootstrap looks here to tell an entry that starts itself from one that doesn't.
 */
const INSTANCES = Symbol.for('fulcrum.domain.instances');

type Holder = { [INSTANCES]?: Set<DomainBase> };

/** The set itself, made on first use. */
export function instances(): Set<DomainBase> {
  return ((globalThis as Holder)[INSTANCES] ??= new Set());
}
