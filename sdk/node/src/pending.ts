import { FulcrumError } from './errors.ts';
import type { RuntimeMessage } from './protobuf.ts';

interface Entry {
  resolve(message: RuntimeMessage): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** The requests to the runtime that wait for their answer, by request id. */
export class Pending {
  readonly #entries = new Map<string, Entry>();

  /** A promise of the answer to `id`; it rejects with TIMEOUT after `timeoutMs`. */
  add(id: string, what: string, timeoutMs: number): Promise<RuntimeMessage> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#entries.delete(id);
        reject(new FulcrumError('TIMEOUT', `${what}: no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#entries.set(id, { resolve, reject, timer });
    });
  }

  /** Hands an answer to who waits for it. False when nobody does (any more). */
  settle(message: RuntimeMessage): boolean {
    const entry = this.#entries.get(message.requestId);
    if (!entry) return false;
    this.#entries.delete(message.requestId);
    clearTimeout(entry.timer);
    entry.resolve(message);
    return true;
  }

  /** Fails all that wait: their answers can't come any more. */
  failAll(error: Error): void {
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.timer);
      entry.reject(error);
    }
    this.#entries.clear();
  }
}
