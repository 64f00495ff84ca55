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
export class FulcrumError extends Error {
  /** For programs; the message is for people. */
  readonly code: FulcrumErrorCode;

  constructor(code: FulcrumErrorCode, message: string) {
    super(message);
    this.name = 'FulcrumError';
    this.code = code;
  }
}

/** The message of a thrown value. */
export function messageOf(error: unknown): string {
  // A host name with two unreachable addresses fails with both errors and without a message.
  if (error instanceof AggregateError && !error.message) return error.errors.map(messageOf).join(', ');
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** The stack of an error, for printing; the message where there is none. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? messageOf(error)) : String(error);
}

/** Logs a line to standard error, where Fulcrum collects it with the domain's own output. */
export function log(text: string): void {
  process.stderr.write(`fulcrum: ${text}\n`);
}
