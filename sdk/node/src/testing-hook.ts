import { FulcrumError } from './errors.ts';
import { payloadOf } from './payload.ts';
import type { RuntimeTransport } from './transport.ts';

/**
 * Under this symbol `DomainBase` gives `@fulcrum/domain/testing` what it needs. That is a bundle of its
 * own, which must use the classes of the copy that the domain uses.
 */
export const TESTING = Symbol.for('fulcrum.domain.testing');

const transports = new WeakMap<object, () => RuntimeTransport>();

/** What a test needs of the package. */
export const testingHook = {
  FulcrumError,
  payloadOf,
  /** Makes a domain that has not been started connect to a runtime in this process. */
  useTransport(domain: object, open: () => RuntimeTransport): void {
    transports.set(domain, open);
  },
};

export type TestingHook = typeof testingHook;

/** How this domain connects, if it is that of a test. */
export function transportOf(domain: object): (() => RuntimeTransport) | undefined {
  return transports.get(domain);
}
