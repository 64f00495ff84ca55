/** Internal modules, bundled for this package's tests only. */
export * from './address.ts';
export * from './backoff.ts';
export * from './connections.ts';
export * from './frames.ts';
export * from './handlers.ts';
export * from './heartbeat.ts';
export * from './options.ts';
export * from './protobuf.ts';
export * from './status.ts';
export * from './trace/headers.ts';
export * from './trace/span-buffer.ts';
export * from './bootstrap/config.ts';
export * from './bootstrap/export-names.ts';
