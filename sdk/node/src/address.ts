import { FulcrumError } from './errors.ts';

/** The address of a runtime where none is configured. */
export const DEFAULT_ADDRESS = 'localhost:50051';
const DEFAULT_PORT = '50051';

/**
 * The URL to connect to for `host`, `host:port`, `[v6]:port` or `http://host:port`.
 *
 * @throws FulcrumError INVALID with the invalid address.
 */
export function dialUrl(address: string): string {
  const match = /^(?:http:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?\/?$/.exec(address.trim());
  const port = match?.[2] ?? DEFAULT_PORT;
  if (!match || Number(port) < 1 || Number(port) > 65535) {
    throw new FulcrumError('INVALID', `invalid runtime address "${address}": FULCRUM_GRPC_SERVER must be host:port, like ${DEFAULT_ADDRESS}`);
  }
  return `http://${match[1]}:${port}`;
}
