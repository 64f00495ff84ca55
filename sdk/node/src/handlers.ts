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

/**
 * The message type that a method handles: `userCreateHandler` handles `user_create_request`.
 *
 * A capital starts a word; a run of capitals is one word (`parseHTTPBodyHandler` handles
 * `parse_http_body_request`); digits belong to the word before them (`oauth2TokenHandler`
 * handles `oauth2_token_request`, `userV2Handler` `user_v2_request`). An underscore in the
 * method's name stays, so that every type can be written: `oauth_2_token_handler` handles
 * `oauth_2_token_request`.
 *
 * @returns undefined for a name that is not a handler's
 */
export function requestTypeOf(method: string): string | undefined {
  const stem = /^(.+?)(?:Handler|_handler)$/.exec(method)?.[1];
  if (!stem || stem.startsWith('_')) return undefined;
  const words = stem
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
  return `${words}_request`;
}

/** The type of the response to a request: `_request` becomes `_response`. */
export function responseTypeOf(requestType: string): string {
  return requestType.endsWith('_request') ? `${requestType.slice(0, -'_request'.length)}_response` : `${requestType}_response`;
}

/**
 * The handlers of an object by the type they handle: methods of its classes up to
 * (not including) `base`, and functions assigned to the object itself.
 *
 * @throws Error when two methods handle the same type
 */
export function collectHandlers(domain: object, base: object): Map<string, string> {
  const handlers = new Map<string, string>();
  for (let level: object | null = domain; level !== null && level !== base; level = Object.getPrototypeOf(level)) {
    for (const method of Object.getOwnPropertyNames(level)) {
      const type = requestTypeOf(method);
      if (type === undefined || typeof Object.getOwnPropertyDescriptor(level, method)?.value !== 'function') continue;
      const other = handlers.get(type);
      if (other === undefined) handlers.set(type, method);
      else if (other !== method) throw new Error(`${other}() and ${method}() both handle ${type}: rename one of them`);
    }
  }
  return handlers;
}
