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

/** Headers of node:http2, as far as a status needs them. */
type Headers = Readonly<Record<string, unknown>>;

/**
 * The status in a set of headers or trailers, or undefined when there is none
 * (headers of a response whose messages follow).
 */
export function statusOf(headers: Headers): Status | undefined {
  const code = headers['grpc-status'];
  if (code !== undefined) {
    return { name: NAMES[Number(code)] ?? 'UNKNOWN', message: decodeMessage(String(headers['grpc-message'] ?? '')) };
  }
  const http = Number(headers[':status'] ?? 200);
  if (http === 200) return undefined;
  return { name: 'UNAVAILABLE', message: `the server responded with HTTP ${http}: it is not a Fulcrum runtime` };
}

/** `grpc-message` is percent-encoded; text with an invalid escape is returned unchanged. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Rejections that a retry with the same name and token cannot change. */
export function isFinal(status: Status): boolean {
  return status.name === 'UNAUTHENTICATED' || status.name === 'PERMISSION_DENIED' || status.name === 'INVALID_ARGUMENT';
}

/** Rejections that may be temporary, but which must be logged. */
export function isRefusal(status: Status): boolean {
  return isFinal(status) || status.name === 'ALREADY_EXISTS' || status.name === 'FAILED_PRECONDITION' || status.name === 'UNIMPLEMENTED';
}
