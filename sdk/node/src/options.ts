import { DEFAULT_ADDRESS } from './address.ts';

/** Everything is optional; what isn't given comes from the environment. */
export interface DomainOptions {
  /** Default: `static domainName` of the class, else `FULCRUM_DOMAIN_NAME`. */
  name?: string;
  /** host:port of the runtime. Default: `FULCRUM_GRPC_SERVER`, else `localhost:50051`. */
  address?: string;
  /** Default: `FULCRUM_DOMAIN_TOKEN`. */
  token?: string;
  /** How long an answer of the runtime or another domain is awaited. Default: 30000. */
  timeoutMs?: number;
}

/** What registers a domain, with nothing left open. */
export interface Settings {
  name: string;
  address: string;
  token: string | undefined;
  timeoutMs: number;
  giveUpAfterMs: number;
}

const TIMEOUT_MS = 30_000;
/** A domain that Fulcrum started serves nobody once that Fulcrum is gone for good. */
const GIVE_UP_MS = 60_000;

/** Joins options, the class's name and the environment. `name` is '' where nothing gives one. */
export function settle(options: DomainOptions, className: string | undefined, env: Readonly<Record<string, string | undefined>>): Settings {
  const token = options.token ?? (env.FULCRUM_DOMAIN_TOKEN || undefined);
  return {
    name: options.name ?? className ?? env.FULCRUM_DOMAIN_NAME ?? '',
    address: options.address ?? (env.FULCRUM_GRPC_SERVER || DEFAULT_ADDRESS),
    token,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    giveUpAfterMs: env.FULCRUM_DOMAIN_TOKEN ? GIVE_UP_MS : Infinity,
  };
}
