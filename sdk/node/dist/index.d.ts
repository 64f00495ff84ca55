/**
 * `@fulcrum/domain`: write a Fulcrum domain as a class with handlers.
 *
 * @packageDocumentation
 */

/**
 * Why something that needs the runtime didn't work.
 *
 * - `FAILED`: the runtime or the other domain answered that it failed
 * - `TIMEOUT`: no answer in time
 * - `DISCONNECTED`: the connection was lost before the answer, or isn't there
 * - `NOT_REGISTERED`: the domain hasn't registered yet, or has been stopped
 * - `REFUSED`: the runtime doesn't take this domain
 * - `INVALID`: a name, address or argument that can't work
 */
export type FulcrumErrorCode = 'FAILED' | 'TIMEOUT' | 'DISCONNECTED' | 'NOT_REGISTERED' | 'REFUSED' | 'INVALID';

/** The one kind of error that this package raises by itself. */
export declare class FulcrumError extends Error {
    /** For programs; the message is for people. */
    readonly code: FulcrumErrorCode;
    constructor(code: FulcrumErrorCode, message: string);
}

/** Everything is optional; what isn't given comes from the environment. */
export interface DomainOptions {
    /** Default: `static domainName` of the class, else `FULCRUM_DOMAIN_NAME`. */
    name?: string;
    /** host:port of the runtime. Default: `FULCRUM_GRPC_SERVER`, else `localhost:50051`. */
    address?: string;
    /** Default: `FULCRUM_DOMAIN_TOKEN`. */
    token?: string;
    /** How long an answer of the runtime or another domain is awaited. Default: 30000. */
    timeoutMs?: number;
}

/** What a handler is told about the request besides its payload. */
export interface RequestContext {
    /** The message type as it came, like `user_create_request`. */
    readonly type: string;
    /** Id of this request, the same on both sides. */
    readonly requestId: string;
    /** Name of this domain. */
    readonly domain: string;
}

/**
 * Answers one type of request. What it returns is the answer's payload (JSON; `undefined`
 * is sent as `{}`); what it throws becomes `{"success": false, "error": message}`.
 */
export type Handler<Payload = any, Answer = unknown> = (payload: Payload, context: RequestContext) => Answer | Promise<Answer>;

/** Which records, and how many of them. Keys beyond these are passed on as they are. */
export interface Query {
    where?: Record<string, unknown>;
    limit?: number;
    offset?: number;
    /** A field and a direction each. */
    order?: Record<string, 'asc' | 'desc'>;
    select?: readonly string[];
    [key: string]: unknown;
}

/**
 * Records of one model, step by step: `db('users').where({ active: true }).limit(10).find()`.
 *
 * Each step returns a new table, so a prefix can be kept and used again.
 */
export declare class Table<Record_ = any> {
    #private;
    /** Narrows to records with these values; several calls add up. */
    where(conditions: Record<string, unknown>): Table<Record_>;
    /** At most this many records. */
    limit(count: number): Table<Record_>;
    /** Leaves out the first ones. */
    offset(count: number): Table<Record_>;
    /** Sorts by a field; a second call sorts within the first. */
    orderBy(field: string, direction?: 'asc' | 'desc'): Table<Record_>;
    /** Only these fields of each record. */
    select(...fields: string[]): Table<Record_>;
    /** Sends `db_find`. */
    find(): Promise<any>;
    /** Sends `db_create`. */
    create(data: Partial<Record_> & Record<string, unknown>): Promise<any>;
    /** Sends `db_update` for the records narrowed to. */
    update(data: Partial<Record_> & Record<string, unknown>): Promise<any>;
    /** Sends `db_delete` for the records narrowed to. */
    delete(): Promise<any>;
}

/** A message to be sent. Keys beyond these are passed on as they are. */
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

/** A message, step by step: `email().to('a@b.c').subject('Hi').text('…').send()`. */
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
    /** The runtime's template of that name, filled with `data`. */
    template(name: string, data?: Record<string, unknown>): Email;
    /** Sends `email_send`. */
    send(): Promise<any>;
}

/**
 * Base of a domain. A subclass answers requests with methods named for them:
 *
 * ```js
 * export default class Users extends DomainBase {
 *   async userCreateHandler(payload, context) {   // answers user_create_request
 *     return this.createRecord('users', payload);
 *   }
 * }
 * ```
 *
 * An entry that default-exports such a class is started by Fulcrum; elsewhere
 * `new Users().start()` does it.
 */
export declare class DomainBase {
    #private;
    /** Name for the domains of a class, where no option gives one. */
    static domainName?: string;
    /** The name under which this domain registers. */
    name: string;
    /** @param options a name, or what else differs from the environment */
    constructor(options?: string | DomainOptions);
    /**
     * Called once, while the runtime is being dialled and before the domain registers: what
     * it sets up is there when the first request comes. The runtime can't be asked for
     * anything yet (see `onReady`). If it throws, the process ends with exit code 1.
     */
    onStart(): void | Promise<void>;
    /** Called once, after the first registration. If it throws, the process ends with exit code 1. */
    onReady(): void | Promise<void>;
    /** Called once, when the last request is done and before the connection closes. */
    onStop(): void | Promise<void>;
    /**
     * Called when a file of this domain has changed that isn't code, such as a template: it goes
     * on running, and can read the file again.
     *
     * @param path the file, absolute
     */
    onAssetChanged(path: string): void | Promise<void>;
    /** From `start()` until `stop()` is done. */
    get running(): boolean;
    /** Whether the runtime has taken this domain and the connection stands. */
    get registered(): boolean;
    /**
     * Connects and registers; resolves when the runtime has said yes. Lost connections are
     * dialled again until `stop()`. Asked twice, it is one start.
     *
     * @throws FulcrumError INVALID without a usable name or address. What can't be cured
     * later (an `onStart` that throws, a refused token) ends the process with exit code 1.
     */
    start(): Promise<void>;
    /**
     * Takes no more requests, waits for those at work, calls `onStop` and closes the
     * connection. The process lives on; a stopped domain isn't started again.
     *
     * @param deadlineMs how long the requests at work may take; what isn't done then is answered as failed
     */
    stop(deadlineMs?: number): Promise<void>;
    /** Sends `db_create`; the answer's payload. */
    createRecord(model: string, data: Record<string, unknown>): Promise<any>;
    /** Sends `db_find`; the answer's payload. */
    findRecords(model: string, query?: Query): Promise<any>;
    /** Sends `db_update`; the answer's payload. */
    updateRecord(model: string, id: string | number, data: Record<string, unknown>): Promise<any>;
    /** Sends `db_delete`; the answer's payload. */
    deleteRecord(model: string, id: string | number): Promise<any>;
    /** Sends `email_send`; the answer's payload. */
    sendEmail(message: EmailMessage): Promise<any>;
    /** The records of a model, step by step. */
    db<Record_ = any>(model: string): Table<Record_>;
    /** An email, step by step. */
    email(): Email;
    /**
     * A request to the runtime itself, of any type.
     *
     * @throws FulcrumError FAILED with the runtime's words, TIMEOUT, DISCONNECTED or NOT_REGISTERED
     */
    request(type: string, payload?: unknown, options?: {
        timeoutMs?: number;
    }): Promise<any>;
    /**
     * A request to another domain, through the runtime: `call('catalog', 'item_find_request', { sku })`.
     *
     * @throws FulcrumError FAILED with the domain's words, TIMEOUT or DISCONNECTED
     */
    call(domain: string, type: string, payload?: unknown, options?: {
        timeoutMs?: number;
    }): Promise<any>;
}
