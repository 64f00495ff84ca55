import { dialUrl } from './address.ts';
import { resolveOptions } from './options.ts';
import { Transport } from './transport.ts';

/**
 * Under this symbol `DomainBase` lets the bootstrap connect in advance. A standby process holds the
 * connection for a domain whose code is not loaded yet; the domain takes it over when it connects.
 */
export const PREPARE_TRANSPORT = Symbol.for('fulcrum.domain.warm');

interface PreparedTransport {
  url: string;
  token: string | undefined;
  transport: Transport;
}

let prepared: PreparedTransport | undefined;

/**
 * Connects to the runtime that the environment names, for a domain that is loaded later. Until then
 * the connection does not keep the process alive.
 *
 * @returns a function that closes the connection, unless a domain has taken it over
 */
export function prepareTransport(): () => void {
  const { address, token } = resolveOptions({}, undefined, process.env);
  const url = dialUrl(address);
  const own: PreparedTransport = { url, token, transport: new Transport(url, token) };
  own.transport.warmUp();
  own.transport.setReferenced(false);
  prepared = own;
  return () => {
    if (prepared !== own) return;
    prepared = undefined;
    own.transport.destroy();
  };
}

/** The connection for a domain: the prepared one if it has the same URL and token, else a new one. */
export function takeTransport(url: string, token: string | undefined): Transport {
  const candidate = prepared;
  if (candidate === undefined || candidate.url !== url || candidate.token !== token) return new Transport(url, token);
  prepared = undefined;
  // The runtime may have closed it meanwhile: it evicts connections that are not registered.
  if (!candidate.transport.open) return new Transport(url, token);
  candidate.transport.setReferenced(true);
  return candidate.transport;
}
