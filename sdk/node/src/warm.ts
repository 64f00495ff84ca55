import { dialUrl } from './address.ts';
import { settle } from './options.ts';
import { Transport } from './transport.ts';

/**
 * Under this symbol `DomainBase` lets the bootstrap dial ahead. A spare process waits with the
 * connection of a domain whose code it hasn't loaded yet; the domain's own first dial takes it over.
 */
export const WARM = Symbol.for('fulcrum.domain.warm');

interface Waiting {
  url: string;
  token: string | undefined;
  transport: Transport;
}

let waiting: Waiting | undefined;

/**
 * Dials the runtime that the environment names, for a domain to come. The connection doesn't keep
 * the process alive before that.
 *
 * @returns ends the connection, unless a domain has taken it over
 */
export function warm(): () => void {
  const { address, token } = settle({}, undefined, process.env);
  const url = dialUrl(address);
  const ahead: Waiting = { url, token, transport: new Transport(url, token) };
  ahead.transport.rehearse();
  ahead.transport.hold(false);
  waiting = ahead;
  return () => {
    if (waiting !== ahead) return;
    waiting = undefined;
    ahead.transport.destroy();
  };
}

/** The connection for a domain: the one that was dialled ahead if it is the same, else a new one. */
export function transportTo(url: string, token: string | undefined): Transport {
  const ahead = waiting;
  if (ahead === undefined || ahead.url !== url || ahead.token !== token) return new Transport(url, token);
  waiting = undefined;
  // The runtime may have sent it away since: strangers' connections give way.
  if (!ahead.transport.open) return new Transport(url, token);
  ahead.transport.hold(true);
  return ahead.transport;
}
