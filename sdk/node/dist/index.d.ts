/**
 * `@fulcrum/domain`: write a Fulcrum domain as a class with handlers.
 *
 * @packageDocumentation
 */

/**
 * Why an operation that needs the runtime failed.
 *
 * - `FAILED`: the runtime or the other domain responded with an error
 * - `TIMEOUT`: no response in time
 * - `DISCONNECTED`: the connection was lost before the response, or there is none
 * - `NOT_REGISTERED`: the domain has not registered yet, or has been stopped
 * - `REFUSED`: the runtime has rejected this domain permanently
 * - `CANCELLED`: the caller of a request has given up
 * - `TOO_LARGE`: a message exceeds the runtime's size limit
 * - `INVALID`: an invalid name, address or argument
 */
export type FulcrumErrorCode = 'FAILED' | 'TIMEOUT' | 'DISCONNECTED' | 'NOT_REGISTERED' | 'REFUSED' | 'CANCELLED' | 'TOO_LARGE' | 'INVALID';

/** The only error class of this package. */
export declare class FulcrumError extends Error {
    /** For programs; the message is for people. */
    readonly code: FulcrumErrorCode;
    constructor(code: FulcrumErrorCode, message: string);
}

/** All options are optional; others are taken from the environment. */
export interface DomainOptions {
    /** Default: `static domainName` of the class, else `FULCRUM_DOMAIN_NAME`. */
    name?: string;
    /** host:port of the runtime. Default: `FULCRUM_GRPC_SERVER`, else `localhost:50051`. */
    address?: string;
    /** Default: `FULCRUM_DOMAIN_TOKEN`. */
    token?: string;
    /** How long to wait for a response of the runtime or another domain. Default: 30000. */
    timeoutMs?: number;
}

/** The context of a request besides its payload. */
export interface RequestContext {
    /** The message type, like `user_create_request`. */
    readonly type: string;
    /** Id of this request, the same on both sides. */
    readonly requestId: string;
    /** Name of this domain. */
    readonly domain: string;
    /** The trace that this request belongs to, for log lines; undefined where there is none. */
    readonly traceId: string | undefined;
    /** When the caller gives up; undefined where the runtime does not say so. */
    readonly deadline: Date | undefined;
    /**
     * Aborted when the caller gives up: it has canceled the request, or its deadline has passed. Pass it
     * on to `fetch`, timers and queries, so that no work is done for nobody.
     */
    readonly signal: AbortSignal;
}

/**
 * Handles one type of request. Its result is the response's payload (JSON; `undefined` is sent as
 * `{}`); a thrown error becomes `{"success": false, "error": message}`. An async generator is a response
 * in parts: each value that it yields is sent as soon as the caller has room for it. A caller that takes
 * the response as a whole gets an array of them.
 */
export type Handler<Payload = any, Response = unknown> = (payload: Payload, context: RequestContext) => Response | Promise<Response>;

/** What is known of an event besides its payload. */
export interface EventContext {
    readonly topic: string;
    /** The domain that has published it. */
    readonly from: string;
    /** How many events were dropped before this one, because this domain read too slowly. */
    readonly missed: number;
}

/** Handles the events of a topic. */
export type EventHandler = (payload: any, context: EventContext) => unknown;

/** Selects records. Other keys are passed on unchanged. */
export interface Query {
    where?: Record<string, unknown>;
    limit?: number;
    offset?: number;
    /** The direction for each field. */
    order?: Record<string, 'asc' | 'desc'>;
    select?: readonly string[];
    [key: string]: unknown;
}

/**
 * A query builder for the records of one model: `db('users').where({ active: true }).limit(10).find()`.
 *
 * Each step returns a new table, so a prefix can be kept and used again.
 */
export declare class Table<Record_ = any> {
    #private;
    /** Selects records with these values; conditions of several calls are combined. */
    where(conditions: Record<string, unknown>): Table<Record_>;
    /** Limits the number of records. */
    limit(count: number): Table<Record_>;
    /** Skips the first records. */
    offset(count: number): Table<Record_>;
    /** Sorts by a field; further calls sort records with equal values. */
    orderBy(field: string, direction?: 'asc' | 'desc'): Table<Record_>;
    /** Selects fields of each record. */
    select(...fields: string[]): Table<Record_>;
    /** Sends `db_find`. */
    find(): Promise<any>;
    /** Sends `db_create`. */
    create(data: Partial<Record_> & Record<string, unknown>): Promise<any>;
    /** Sends `db_update` for the selected records. */
    update(data: Partial<Record_> & Record<string, unknown>): Promise<any>;
    /** Sends `db_delete` for the selected records. */
    delete(): Promise<any>;
}

/** An email. Other keys are passed on unchanged. */
export interface EmailMessage {
    to?: string | readonly string[];
    from?: string;
    cc?: string | readonly string[];
    bcc?: string | readonly string[];
    replyTo?: string;
    subject?: string;
    text?: string;
    html?: string;
    template?: string;
    data?: Record<string, unknown>;
    [key: string]: unknown;
}

/** A builder for an email: `email().to('a@b.c').subject('Hi').text('…').send()`. */
export declare class Email {
    #private;
    to(...addresses: string[]): Email;
    from(address: string): Email;
    cc(...addresses: string[]): Email;
    bcc(...addresses: string[]): Email;
    replyTo(address: string): Email;
    subject(text: string): Email;
    text(text: string): Email;
    html(html: string): Email;
    /** Uses a template of the runtime, filled with `data`. */
    template(name: string, data?: Record<string, unknown>): Email;
    /** Sends `email_send`. */
    send(): Promise<any>;
}

/**
 * Base class of a domain. A subclass handles requests with methods named after them:
 *
 * ```js
 * export default class Users extends DomainBase {
 *   async userCreateHandler(payload, context) {   // handles user_create_request
 *     return this.createRecord('users', payload);
 *   }
 * }
 * ```
 *
 * Fulcrum starts the class that an entry exports as default; elsewhere call
 * `new Users().start()`.
 */
export declare class DomainBase {
    #private;
    /** The name of the domain, unless an option sets one. */
    static domainName?: string;
    /** The name under which this domain registers. */
    name: string;
    /** @param options a name, or options that override the environment */
    constructor(options?: string | DomainOptions);
    /**
     * Called once, while the domain connects and before it registers: the setup is complete when the
     * first request arrives. Requests to the runtime are not possible yet (see `onReady`). If it
     * throws, the process exits with code 1.
     */
    onStart(): void | Promise<void>;
    /** Called once, after the first registration. If it throws, the process exits with code 1. */
    onReady(): void | Promise<void>;
    /** Called once, when the last request is finished and before the connection closes. */
    onStop(): void | Promise<void>;
    /**
     * Called when a file of this domain has changed that is not code, such as a template. The domain
     * keeps running, and can read the file again.
     *
     * @param path the absolute path of the file
     */
    onAssetChanged(path: string): void | Promise<void>;
    /** True from `start()` until `stop()` has finished. */
    get running(): boolean;
    /** Whether this domain is registered and connected. */
    get registered(): boolean;
    /**
     * Connects and registers; resolves when the runtime has accepted the registration. Reconnects after
     * a lost connection until `stop()`. Further calls return the same promise.
     *
     * @throws FulcrumError INVALID without a valid name or address. Permanent failures (an `onStart`
     * that throws, a rejected token) end the process with exit code 1.
     */
    start(): Promise<void>;
    /**
     * Accepts no more requests, waits for the running ones, calls `onStop` and closes the connection.
     * The process keeps running; a stopped domain cannot be started again.
     *
     * @param deadlineMs how long running requests may take; later ones get an error response
     */
    stop(deadlineMs?: number): Promise<void>;
    /** Sends `db_create`; resolves with the response's payload. */
    createRecord(model: string, data: Record<string, unknown>): Promise<any>;
    /** Sends `db_find`; resolves with the response's payload. */
    findRecords(model: string, query?: Query): Promise<any>;
    /** Sends `db_update`; resolves with the response's payload. */
    updateRecord(model: string, id: string | number, data: Record<string, unknown>): Promise<any>;
    /** Sends `db_delete`; resolves with the response's payload. */
    deleteRecord(model: string, id: string | number): Promise<any>;
    /** Sends `email_send`; resolves with the response's payload. */
    sendEmail(message: EmailMessage): Promise<any>;
    /** A query builder for the records of a model. */
    db<Record_ = any>(model: string): Table<Record_>;
    /** A builder for an email. */
    email(): Email;
    /**
     * A request to the runtime itself, of any type.
     *
     * @throws FulcrumError FAILED with the runtime's error message, TIMEOUT, DISCONNECTED or NOT_REGISTERED
     */
    request(type: string, payload?: unknown, options?: {
        timeoutMs?: number;
    }): Promise<any>;
    /**
     * A request to another domain, through the runtime: `call('catalog', 'item_find_request', { sku })`.
     *
     * `signal` cancels it, such as the one of the request that the call is made for.
     *
     * @throws FulcrumError FAILED with the domain's error message, TIMEOUT or DISCONNECTED; the signal's reason
     */
    call(domain: string, type: string, payload?: unknown, options?: {
        timeoutMs?: number;
        signal?: AbortSignal;
    }): Promise<any>;
    /**
     * A request to another domain whose response comes in parts:
     * `for await (const row of this.stream('catalog', 'item_list_request')) …`. The other domain produces
     * no more parts than are taken; leaving the loop, and `signal`, cancel the request.
     *
     * @throws FulcrumError FAILED with the domain's error message, TIMEOUT or DISCONNECTED; the signal's reason
     */
    stream(domain: string, type: string, payload?: unknown, options?: {
        timeoutMs?: number;
        signal?: AbortSignal;
    }): AsyncGenerator<any, void>;
    /**
     * Publishes an event to the domains that have subscribed to its topic. Each gets it at most once: a
     * domain that is not connected, or reads too slowly, misses it.
     */
    publish(topic: string, payload?: unknown): Promise<void>;
    /**
     * Calls `handler` for the events of a topic, now and after every reconnect. Its context has `missed`:
     * how many events were dropped before this one, because this domain read too slowly.
     */
    subscribe(topic: string, handler: EventHandler): Promise<void>;
    /** Ends a subscription. */
    unsubscribe(topic: string): Promise<void>;
}
