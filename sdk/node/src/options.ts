import { DEFAULT_ADDRESS } from './address.ts';

/** All options are optional; others are taken from the environment. */
export interface DomainOptions {
  /** Default: `static domainName` of the class, else `FULCRUM_DOMAIN_NAME`. */
  name?: string;
  /** host:port of the runtime. Default: `FULCRUM_GRPC_SERVER`, else `localhost:50051`. */
  address?: string;
  /** Default: `FULCRUM_DOMAIN_TOKEN`. */
  token?: string;
  /** How long to wait for a response of the runtime or another domain. Default: 30000. */
  timeoutMs?: number;
}

/** The options of a domain, with all defaults applied. */
export interface ResolvedOptions {
  name: string;
  address: string;
  token: string | undefined;
  timeoutMs: number;
  reconnectDeadlineMs: number;
}

const TIMEOUT_MS = 30_000;
/** A domain that Fulcrum started is useless once that instance is gone. */
const RECONNECT_DEADLINE_MS = 60_000;

/** Combines options, the class's name and the environment. `name` is '' where none is set. */
export function resolveOptions(options: DomainOptions, className: string | undefined, env: Readonly<Record<string, string | undefined>>): ResolvedOptions {
  const token = options.token ?? (env.FULCRUM_DOMAIN_TOKEN || undefined);
  return {
    name: options.name ?? className ?? env.FULCRUM_DOMAIN_NAME ?? '',
    address: options.address ?? (env.FULCRUM_GRPC_SERVER || DEFAULT_ADDRESS),
    token,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    reconnectDeadlineMs: env.FULCRUM_DOMAIN_TOKEN ? RECONNECT_DEADLINE_MS : Infinity,
  };
}
