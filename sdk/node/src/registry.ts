import type { DomainBase } from './domain.ts';

/**
 * Every domain constructed in this process, by any copy of this package. The bootstrap uses it to
 * distinguish an entry that starts itself from one that does not.
 */
const INSTANCES = Symbol.for('fulcrum.domain.instances');

type GlobalSlot = { [INSTANCES]?: Set<DomainBase> };

/** The set, created on first use. */
export function instances(): Set<DomainBase> {
  return ((globalThis as GlobalSlot)[INSTANCES] ??= new Set());
}
