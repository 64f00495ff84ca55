import type { CascadedLoader } from './internals.ts';

/**
 * What the bootstrap gives to the loader, which is a file of its own: most domains in JavaScript run
 * without it. State that both need is the bootstrap's.
 */
export interface Host {
  cascadedLoader(hidden?: boolean, alongside?: () => void): CascadedLoader | undefined;
  hasInternals(): boolean;
  internalModule<T>(id: string): T | undefined;
  wrapResolve(replacement: (resolve: () => string, request: string, rest: unknown[]) => string): void;
}

let host: Host | undefined;

/** Must be called first. */
export function setHost(given: Host): void {
  host = given;
}

export const cascadedLoader: Host['cascadedLoader'] = (...args) => host?.cascadedLoader(...args);
export const hasInternals: Host['hasInternals'] = () => host?.hasInternals() === true;
export const internalModule: Host['internalModule'] = (id) => host?.internalModule(id);
export const wrapResolve: Host['wrapResolve'] = (replacement) => host?.wrapResolve(replacement);
