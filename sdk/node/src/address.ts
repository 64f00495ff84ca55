import { FulcrumError } from './errors.ts';

/** Where a runtime listens when nothing says otherwise. */
export const DEFAULT_ADDRESS = 'localhost:50051';
const DEFAULT_PORT = '50051';

/**
 * The URL to dial for `host`, `host:port`, `[v6]:port` or `http://host:port`.
 *
 * @throws FulcrumError INVALID naming what was given.
 */
export function dialUrl(address: string): string {
  const match = /^(?:http:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?\/?$/.exec(address.trim());
  const port = match?.[2] ?? DEFAULT_PORT;
  if (!match || Number(port) < 1 || Number(port) > 65535) {
    throw new FulcrumError('INVALID', `"${address}" is no address of a runtime: FULCRUM_GRPC_SERVER must be host:port, like ${DEFAULT_ADDRESS}`);
  }
  return `http://${match[1]}:${port}`;
}
