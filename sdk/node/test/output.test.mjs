import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BOOTSTRAP, directory, run } from './spawn.mjs';

const LINES = 20_000;
const ENDS = {
  'process.exit': 'process.exit(3);',
  throw: 'throw new Error("last words");',
  'unhandled rejection': 'Promise.reject(new Error("last words"));',
  SIGKILL: 'process.kill(process.pid, "SIGKILL");',
};

for (const [what, end] of Object.entries(ENDS)) {
  test(`a pipe loses none of ${LINES} lines: ${what}`, async (t) => {
    const root = directory(t, { 'domain.mjs': `for (let n = 0; n < ${LINES}; n++) (n % 2 ? console.log : console.error)('line ' + n);\n${end}` }, { install: false });
    const child = run(t, join(root, 'domain.mjs'));
    // A slow reader: the pipe is full long before it starts to read.
    child.stdout.pause();
    child.stderr.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.stdout.resume();
    child.stderr.resume();
    await child.exit;
    const seen = new Set([...child.output.matchAll(/line (\d+)$/gm)].map(([, number]) => Number(number)));
    assert.equal(seen.size, LINES);
  });
}

test('the streams are those of Node, and are created on first use', async (t) => {
  const root = directory(t, {
    'a.cjs': `
      const shape = (name) => { const { get, set, ...rest } = Object.getOwnPropertyDescriptor(process, name); return [typeof get, typeof set, rest]; };
      const before = ['stdout', 'stderr'].map(shape);
      const same = process.stdout === process.stdout && process.stdout.fd === 1;
      console.log(JSON.stringify([before, ['stdout', 'stderr'].map(shape), same, process.stdout.constructor.name, Object.keys(process).includes('stdout')]));`,
  }, { install: false });
  const [ours, plain] = [run(t, join(root, 'a.cjs')), run(t, join(root, 'a.cjs'), { config: null })];
  await Promise.all([ours.exit, plain.exit]);
  assert.equal(ours.output, plain.output);
  assert.notEqual(ours.output, '');
});

test('writes to a file are unchanged', async (t) => {
  const root = directory(t, { 'a.cjs': 'console.log("to a file");' }, { install: false });
  const entry = join(root, 'a.cjs');
  const file = openSync(join(root, 'out'), 'w');
  const config = { v: 2, parent: process.pid, entry, ts: null, sdk: null };
  const child = spawn(process.execPath, ['--require', BOOTSTRAP, entry], { stdio: ['ignore', file, file], env: { PATH: process.env.PATH, FULCRUM_BOOTSTRAP: JSON.stringify(config) } });
  await new Promise((resolve) => child.on('close', resolve));
  closeSync(file);
  assert.equal(readFileSync(join(root, 'out'), 'utf8'), 'to a file\n');
});
