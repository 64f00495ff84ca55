/**
 * The part of the bootstrap that loads TypeScript, and follows child processes. A file of its own, which
 * the bootstrap loads where it is needed.
 */
export { hookChildren, noteSpecifier } from './children.ts';
export { setHost } from './host.ts';
export { reportOwnWrites } from './own-writes.ts';
export { hookTypeScript } from './typescript.ts';
export type { TypeScriptSupport } from './typescript.ts';
