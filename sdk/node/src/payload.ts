import { FulcrumError } from './errors.ts';
import type { RuntimeMessage } from './protobuf.ts';

/**
 * The payload of a response.
 *
 * @throws FulcrumError FAILED for a failure, with its reason
 */
export function payloadOf(response: RuntimeMessage, what: string): unknown {
  let payload: unknown;
  try {
    payload = response.payload === '' ? {} : JSON.parse(response.payload);
  } catch {
    if (response.success) throw new FulcrumError('FAILED', `${what}: the response is not JSON: ${response.payload.slice(0, 80)}`);
  }
  const body = payload as { success?: unknown; error?: unknown } | null | undefined;
  if (response.success && body?.success !== false) return payload;
  const text = response.error || (typeof body?.error === 'string' ? body.error : '') || `${what} failed without a reason`;
  throw new FulcrumError('FAILED', text);
}
