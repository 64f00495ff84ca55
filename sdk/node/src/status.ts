/** Status names by number: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const NAMES = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND',
  'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION',
  'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
];

/** How a gRPC call ended. `name` is one of gRPC's status names. */
export interface Status {
  name: string;
  message: string;
}

/** Headers as node:http2 hands them out, as far as a status needs them. */
type Headers = Readonly<Record<string, unknown>>;

/**
 * The status in a set of headers or trailers, or undefined when there is none
 * (the ordinary headers of an answer that is still to come).
 */
export function statusOf(headers: Headers): Status | undefined {
  const code = headers['grpc-status'];
  if (code !== undefined) {
    return { name: NAMES[Number(code)] ?? 'UNKNOWN', message: decodeMessage(String(headers['grpc-message'] ?? '')) };
  }
  const http = Number(headers[':status'] ?? 200);
  if (http === 200) return undefined;
  return { name: 'UNAVAILABLE', message: `the server answered HTTP ${http}: it is no Fulcrum runtime` };
}

/** `grpc-message` is percent-encoded; a broken escape is better shown raw than lost. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Refusals that a retry with the same name and token can't cure. */
export function isFinal(status: Status): boolean {
  return status.name === 'UNAUTHENTICATED' || status.name === 'PERMISSION_DENIED' || status.name === 'INVALID_ARGUMENT';
}

/** Refusals that may pass, but which the person at the terminal must hear of. */
export function isRefusal(status: Status): boolean {
  return isFinal(status) || status.name === 'ALREADY_EXISTS' || status.name === 'FAILED_PRECONDITION' || status.name === 'UNIMPLEMENTED';
}
