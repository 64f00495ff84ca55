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
export class FulcrumError extends Error {
  /** For programs; the message is for people. */
  readonly code: FulcrumErrorCode;

  constructor(code: FulcrumErrorCode, message: string) {
    super(message);
    this.name = 'FulcrumError';
    this.code = code;
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  // A host name with two addresses, neither of which answers, fails with both reasons and no text.
  if (error instanceof AggregateError && !error.message) return error.errors.map(messageOf).join(', ');
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** A stack where there is one, for what is printed. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? messageOf(error)) : String(error);
}

/** A line on stderr, where Fulcrum collects it beside the domain's own words. */
export function say(text: string): void {
  process.stderr.write(`fulcrum: ${text}\n`);
}
