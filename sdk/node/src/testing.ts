/**
 * `@fulcrum/domain/testing`: run a domain in a test, with a runtime in the same process and without ports.
 *
 * @packageDocumentation
 */
import type { DomainBase } from './domain.ts';
import { LocalRuntime } from './local-runtime.ts';
import type { Published, Responders } from './local-runtime.ts';
import { TESTING } from './testing-hook.ts';
import type { TestingHook } from './testing-hook.ts';

export type { Published, Responder, Responders } from './local-runtime.ts';

/** A domain's class. */
export type DomainClass<Domain extends DomainBase = DomainBase> = new () => Domain;

/** What a test defines besides the domain itself. */
export interface TestOptions {
  /**
   * The domain's name. Default: the one that its constructor or `static domainName` sets, else the name of
   * its class: `UserAccounts` is `user-accounts`.
   */
  name?: string;
  /** Other domains by their name: classes, which are started, or their responses by message type. */
  domains?: Record<string, DomainClass | Responders>;
  /** Responses of the runtime itself by message type, such as `db_create` or `email_send`. */
  runtime?: Responders;
}

/** Options of a call. */
export interface TestCallOptions {
  /** How long to wait for the response. Default: 5000. */
  timeoutMs?: number;
  /** Cancels the call, as a caller that has given up. */
  signal?: AbortSignal;
}

/** A running domain of a test. */
export interface TestDomain<Domain extends DomainBase = DomainBase> {
  /** The instance. */
  readonly domain: Domain;
  /** What domains of this test have published. */
  readonly published: readonly Published[];
  /**
   * Sends a request, and resolves with the response's payload.
   *
   * @throws FulcrumError as `DomainBase.call` does: FAILED with the handler's error message, TIMEOUT; or
   * the signal's reason
   */
  call(type: string, payload?: unknown, options?: TestCallOptions): Promise<any>;
  /** Sends a request whose response comes in parts. */
  stream(type: string, payload?: unknown, options?: TestCallOptions): AsyncGenerator<any, void>;
  /** Publishes an event, as another domain does; resolves when it is on its way to the subscribers. */
  publish(topic: string, payload?: unknown): Promise<void>;
  /** Stops this domain and the others of the test: running requests finish, then `onStop` is called. */
  stop(): Promise<void>;
}

const TIMEOUT_MS = 5_000;

/**
 * Starts a domain as Fulcrum does: `onStart`, the registration, `onReady`.
 *
 * ```js
 * test('a user is created', async (t) => {
 *   const users = await startDomain(Users, { runtime: { db_create: ({ data }) => ({ id: 1, ...data }) } });
 *   t.after(() => users.stop());
 *   assert.equal((await users.call('user_create_request', { name: 'Ann' })).user.id, 1);
 * });
 * ```
 *
 * @throws what `onStart` or `onReady` throws
 */
export async function startDomain<Domain extends DomainBase>(domainClass: DomainClass<Domain>, options: TestOptions = {}): Promise<TestDomain<Domain>> {
  const hook = hookOf(domainClass);
  const runtime = new LocalRuntime(hook, options.runtime ?? {});
  const others: DomainBase[] = [];
  const start = async <Class extends DomainBase>(given: DomainClass<Class>, name: string | undefined): Promise<Class> => {
    const domain = new given();
    domain.name = name || domain.name || nameOf(given);
    hookOf(given).useTransport(domain, () => runtime.transport(domain.name));
    await domain.start();
    return domain;
  };
  for (const [name, other] of Object.entries(options.domains ?? {})) {
    if (typeof other === 'function') others.push(await start(other, name));
    else runtime.addResponders(name, other);
  }
  const domain = await start(domainClass, options.name);
  return {
    domain,
    published: runtime.published,
    call: async (type, payload = {}, { timeoutMs = TIMEOUT_MS, signal } = {}) =>
      hook.payloadOf(await runtime.call(domain.name, type, payload, timeoutMs, signal), type),
    async *stream(type, payload = {}, { timeoutMs = TIMEOUT_MS, signal } = {}) {
      for await (const part of runtime.stream(domain.name, type, payload, timeoutMs, signal)) yield hook.payloadOf(part, type);
    },
    publish: async (topic, payload = {}) => runtime.publish(topic, payload, 'test'),
    stop: async () => {
      await domain.stop();
      // Those that it may call stop after it.
      for (const other of others.reverse()) await other.stop();
    },
  };
}

function hookOf(domainClass: unknown): TestingHook {
  const hook = typeof domainClass === 'function' ? (domainClass as unknown as { [TESTING]?: TestingHook })[TESTING] : undefined;
  if (hook) return hook;
  throw new TypeError('startDomain() needs a class that extends DomainBase of @fulcrum/domain, in this version or a later one');
}

/** The name of a class as that of a domain: `UserAccounts` is `user-accounts`. */
function nameOf(domainClass: { name: string }): string {
  return domainClass.name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').replace(/([A-Z])([A-Z][a-z])/g, '$1-$2').toLowerCase() || 'domain';
}
