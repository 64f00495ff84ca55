// Positions in stacks of code that was transformed: of the source, line and column.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from './spawn.mjs';
import { SYNC_HOOKS, USUAL, WAYS, app } from './typescript-app.mjs';

const PATCHED = { 'as Fulcrum starts it': USUAL, ...(SYNC_HOOKS ? {} : { 'without internals': WAYS['hooks thread, --require'] }) };
/** The compiler of these tests moves `throw` to the right; the source has it at column 3. */
const FAIL = `enum E { A }\nexport function fail(why: string) {\n  throw new Error(why + E.A);\n}\n`;

for (const [way, flags] of Object.entries(PATCHED)) {
  test(`an uncaught error shows the source: ${way}`, async (t) => {
    const { root, ts } = app(t, { 'domain.ts': `import { fail } from './fail.ts';\nfail('x');\n`, 'fail.ts': FAIL });
    const child = run(t, join(root, 'domain.ts'), { flags, config: { ts } });
    assert.equal((await child.exit).code, 1);
    assert.match(child.output, /fail\.ts:3\n {2}throw new Error\(why \+ E\.A\);/);
    assert.match(child.output, /Error: x0\n +at (?:Module\.)?fail \(.*fail\.ts:3:3\)\n +at .*domain\.ts:2:1/);
    assert.doesNotMatch(child.output, /bootstrap|\.cache/);
  });

  test(`CommonJS, async code, workers and forks: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.cts': `const { Worker } = require('node:worker_threads');
const { fork } = require('node:child_process');
require('./print.cts')('main');
new Worker(require.resolve('./worker.cts'), { env: {} });
fork(require.resolve('./worker.cts'), ['fork'], { env: {}, execArgv: [] });
`,
      'worker.cts': `require('./print.cts')(process.argv[2] ?? 'worker');\n`,
      'print.cts': `enum E { A }
module.exports = async (who: string) => {
  try { await later(); } catch (error) { console.log(JSON.stringify([who, /print\\.cts:\\d+:\\d+/.exec(error.stack)[0]])); }
};
async function later() {
  await null;
  throw new TypeError('late');
}
`,
    }, { commonjs: true });
    const child = run(t, join(root, 'domain.cts'), { flags, config: { ts } });
    assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
    const lines = child.output.trim().split('\n').map((line) => JSON.parse(line)).sort();
    assert.deepEqual(lines, ['fork', 'main', 'worker'].map((who) => [who, 'print.cts:7:3']));
  });

  test(`a program that formats stacks itself gets the right lines: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'domain.ts': `import { fail } from './fail.ts';
Error.prepareStackTrace = (error, sites) => sites.slice(0, 2).map((site) => [site.getFileName().split('/').at(-1), site.getLineNumber()]);
try { fail('x'); } catch (error) { console.log(JSON.stringify(error.stack)); }
`,
      'fail.ts': FAIL,
    });
    const child = run(t, join(root, 'domain.ts'), { flags, config: { ts } });
    await child.exit;
    assert.deepEqual(JSON.parse(child.output), [['fail.ts', 3], ['domain.ts', 3]]);
  });

  test(`maps of packages are not used: ${way}`, async (t) => {
    const map = { version: 3, sources: ['gone.ts'], names: [], mappings: 'AAAA;AASA' };
    const { root, ts } = app(t, {
      'domain.ts': `enum E { A }\nimport { fail } from 'pkg';\ntry { fail(); } catch (error) { console.log(error.stack.split('\\n')[1]); }\n`,
      'node_modules/pkg/index.js': `exports.fail = () => {\n  throw new Error('in a package');\n};\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}\n`,
    });
    const child = run(t, join(root, 'domain.ts'), { flags, config: { ts } });
    await child.exit;
    if (way !== 'without internals') assert.match(child.output, /pkg\/index\.js:2:9/);
  });
}
