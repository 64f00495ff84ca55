// Domains as processes, started the way Fulcrum starts them.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '..');
export const BOOTSTRAP = join(PACKAGE, 'dist', 'bootstrap.cjs');

/** A directory with the given files and, by default, the package in its node_modules. */
export function directory(t, files, { install = true } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'fulcrum-sdk-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  if (install) {
    mkdirSync(join(root, 'node_modules/@fulcrum'), { recursive: true });
    symlinkSync(PACKAGE, join(root, 'node_modules/@fulcrum/domain'));
    symlinkSync(PACKAGE, join(root, 'node_modules/fulcrum'));
  }
  return root;
}

/**
 * Runs an entry with the bootstrap. `config` overrides the default configuration; null disables it.
 * Returns the child with `output` (both streams so far) and `exit` (a promise of code and signal).
 */
export function run(t, entry, { runtime, name = 'users', config = {}, flags, args = [], env = {}, cwd, input } = {}) {
  const preload = flags ?? ['--require', BOOTSTRAP];
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [...(config ? preload : []), entry, ...args], {
    cwd: cwd ?? dirname(entry),
    env: {
      ...inherited,
      FULCRUM_GRPC_SERVER: runtime?.address ?? '127.0.0.1:1',
      FULCRUM_DOMAIN_NAME: name,
      ...(config && { FULCRUM_BOOTSTRAP: JSON.stringify({ v: 2, parent: process.pid, entry, ts: null, sdk: null, ...config }) }),
      ...env,
    },
    stdio: [input?.end ?? 'ignore', 'pipe', 'pipe'],
  });
  input?.passed();
  child.input = input;
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { child.output += text; });
  child.exit = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** A pipe for a child's standard input, as Fulcrum creates it: Node's own would be a socket. */
export function pipe(t) {
  const path = join(mkdtempSync(join(tmpdir(), 'fulcrum-sdk-')), 'pipe');
  spawnSync('mkfifo', [path]);
  // Opening one end waits for the other one.
  const both = openSync(path, 'r+');
  const end = openSync(path, 'r');
  const writer = openSync(path, 'w');
  closeSync(both);
  rmSync(dirname(path), { recursive: true });
  let open = true;
  const close = () => { if (open) closeSync(writer); open = false; };
  t.after(close);
  return { end, passed: () => closeSync(end), write: (text) => writeSync(writer, text), close };
}

/** Waits until `test()` returns a value, at most `limitMs`. */
export async function until(test, what, limitMs = 5_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await test();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
