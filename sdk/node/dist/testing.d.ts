/**
 * `@fulcrum/domain/testing`: run a domain in a test, with a runtime in the same process and without ports.
 *
 * @packageDocumentation
 */
import type { DomainBase } from './index.js';

/** Responds to one type of message, in the place of a domain or of the runtime. An error that it throws is the response. */
export type Responder = (payload: any) => unknown;

/** Responses by message type. */
export type Responders = Record<string, Responder>;

/** A published event. */
export interface Published {
    topic: string;
    payload: any;
    /** The domain that has published it. */
    from: string;
}

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
export declare function startDomain<Domain extends DomainBase>(domainClass: DomainClass<Domain>, options?: TestOptions): Promise<TestDomain<Domain>>;
