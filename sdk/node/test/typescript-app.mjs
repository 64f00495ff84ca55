// Apps of TypeScript files, with the table that Fulcrum would write for them.
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { join } from 'node:path';
import { HELPER, fragmentOf } from './fake-helper.mjs';
import { BOOTSTRAP, directory } from './spawn.mjs';

// The ways to hook the loader. Where Node has registerHooks they all end in that one.
export const WAYS = {
  'patched loader, --import': ['--expose-internals', '--import', BOOTSTRAP],
  'patched loader, --require': ['--expose-internals', '--require', BOOTSTRAP],
  'hooks thread, --import': ['--import', BOOTSTRAP],
  'hooks thread, --require': ['--require', BOOTSTRAP],
};
export const SYNC_HOOKS = typeof Module.registerHooks === 'function';
/** The way in which Fulcrum starts a domain on this Node. */
export const USUAL = SYNC_HOOKS ? ['--require', BOOTSTRAP] : WAYS['patched loader, --require'];

/** An app, with a table of all its code but `missing`. */
export function app(t, files, { missing = [], commonjs = false, install = false, aliases = false } = {}) {
  const root = realpathSync(directory(t, files, { install }));
  const context = { root, cache: join(root, '.cache'), aliases };
  const code = Object.keys(files).filter((name) => /\.[mc]?[jt]sx?$/.test(name) && !name.includes('node_modules/')).map((name) => join(root, name));
  const skipped = (path) => missing.some((name) => path === join(root, name));
  const table = fragmentOf(code, { ...context, skipped });
  writeFileSync(join(root, 'manifest.json'), JSON.stringify(table));
  writeFileSync(join(root, 'helper.json'), JSON.stringify(context));
  return { root, table, ts: { manifest: join(root, 'manifest.json'), helper: [process.execPath, HELPER, join(root, 'helper.json')], commonjs, maps: table.maps } };
}

/** What the helper was asked for. */
export function asked(root) {
  try {
    return readFileSync(join(root, 'asked'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  } catch {
    return [];
  }
}
