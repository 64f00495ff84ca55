import { FulcrumError } from './errors.ts';
import type { RuntimeMessage } from './protobuf.ts';

interface Entry {
  resolve(message: RuntimeMessage): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** The requests to the runtime without a response yet, by request id. */
export class PendingRequests {
  readonly #entries = new Map<string, Entry>();

  /**
   * A promise of the response to `id`; it rejects with TIMEOUT after `remainingMs`, what is left of
   * the caller's `timeoutMs`.
   */
  add(id: string, what: string, timeoutMs: number, remainingMs = timeoutMs): Promise<RuntimeMessage> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#entries.delete(id);
        reject(new FulcrumError('TIMEOUT', `${what}: no response within ${timeoutMs} ms`));
      }, remainingMs);
      this.#entries.set(id, { resolve, reject, timer });
    });
  }

  /** Resolves the request that a message responds to. False when there is none (any more). */
  resolve(message: RuntimeMessage): boolean {
    const entry = this.#entries.get(message.requestId);
    if (!entry) return false;
    this.#entries.delete(message.requestId);
    clearTimeout(entry.timer);
    entry.resolve(message);
    return true;
  }

  /** Rejects all requests, because no response can arrive any more. */
  failAll(error: Error): void {
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.timer);
      entry.reject(error);
    }
    this.#entries.clear();
  }
}
