import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeRuntime } from './fake-runtime.mjs';
import { BOOTSTRAP, directory, run, until } from './spawn.mjs';

const IMPORT = `import { DomainBase } from '@fulcrum/domain';\n`;
const REQUIRE = `const { DomainBase } = require('@fulcrum/domain');\n`;

/** A domain made by hand: no base class, it only tells when it is made and started. */
const FOREIGN = `class Foreign {
  constructor() { console.log('made'); }
  async start() { console.log('started'); setInterval(() => {}, 1000); }
}\n`;

async function listen(t) {
  const runtime = await new FakeRuntime().listen();
  t.after(() => runtime.close());
  return runtime;
}

const REGISTERING = {
  'an ES module': ['domain.mjs', `${IMPORT}export default class Users extends DomainBase {}`],
  'an ES module with top-level await': ['domain.mjs', `${IMPORT}await new Promise((resolve) => setTimeout(resolve, 50));\nexport default class Users extends DomainBase {}`],
  'an ES module told by package.json': ['domain.js', `${IMPORT}export default class Users extends DomainBase {}`, { 'package.json': '{"type":"module"}' }],
  'an ES module told by its syntax': ['domain.js', `${IMPORT}export default class Users extends DomainBase {}`],
  'the name fulcrum': ['domain.mjs', `import fulcrum, { DomainBase } from 'fulcrum';\nif (fulcrum.DomainBase !== DomainBase) throw 1;\nexport default class Users extends DomainBase {}`],
  'a class required by an ES module': ['domain.mjs', `import { createRequire } from 'node:module';\nconst { DomainBase: Required } = createRequire(import.meta.url)('fulcrum');\n${IMPORT}if (Required !== DomainBase) throw 1;\nexport default class Users extends Required {}`],
  'CommonJS': ['domain.cjs', `${REQUIRE}module.exports = class Users extends DomainBase {};`],
  'CommonJS with exports.default': ['domain.js', `${REQUIRE}exports.default = class Users extends DomainBase {};`],
  'an entry that starts itself': ['domain.mjs', `${IMPORT}export default class Users extends DomainBase {}\nnew Users().start();`],
  'a CommonJS entry that starts itself': ['domain.cjs', `${REQUIRE}class Users extends DomainBase {}\nmodule.exports = Users;\nnew Users().start();`],
  'an entry that starts itself later': ['domain.mjs', `${IMPORT}export default class Users extends DomainBase {}\nsetTimeout(() => new Users().start(), 150);`],
  'a subclass that starts itself': ['domain.mjs', `${IMPORT}export default class Users extends DomainBase {}\nnew (class extends Users {})().start();`],
  'a comment about new': ['domain.mjs', `${IMPORT}// new Users().start() is not needed\nexport default class Users extends DomainBase {}`],
  'an exported instance': ['domain.mjs', `${IMPORT}export default new (class extends DomainBase {})();`],
  'an exported instance that was started': ['domain.mjs', `${IMPORT}const users = new (class extends DomainBase {})();\nusers.start();\nexport default users;`],
};

for (const [what, [file, text, more]] of Object.entries(REGISTERING)) {
  // Node 20.19, 22.12 and later detect a module by its syntax.
  const skip = what.includes('its syntax') && !process.features.require_module;
  test(`one registration: ${what}`, { skip }, async (t) => {
    const runtime = await listen(t);
    const root = directory(t, { [file]: text, ...more });
    const child = run(t, join(root, file), { runtime });
    const peer = await runtime.registered();
    await peer.request('nope_request');
    // A second connection would exist by now: the exit after the drain shows that there is only one.
    peer.send({ type: 'drain', payload: '{"deadline_ms":100}' });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
    assert.equal(runtime.peers.length, 1);
    assert.equal(child.output, '');
  });
}

test('a class without the SDK is constructed and started once, by the bootstrap or by itself', async (t) => {
  const entries = {
    'a.cjs': `${FOREIGN}module.exports = Foreign;`,
    'b.mjs': `${FOREIGN}export default Foreign;`,
    'c.cjs': `${FOREIGN}module.exports = Foreign;\nnew Foreign().start();`,
    'd.mjs': `${FOREIGN}export default Foreign;\nnew Foreign().start();`,
  };
  const root = directory(t, entries);
  const children = Object.keys(entries).map((file) => run(t, join(root, file)));
  for (const child of children) await until(() => child.output.includes('started'), 'it is started');
  // Another round trip with each: a second start would be observed.
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const child of children) assert.equal(child.output, 'made\nstarted\n');
});

test('an instance that nothing refers to any more, but that has connected, is not started again', async (t) => {
  const runtime = await listen(t);
  const entry = `const http2 = require('node:http2');
class Users {
  start() {
    console.log('started');
    http2.connect('http://' + process.env.FULCRUM_GRPC_SERVER);
  }
}
module.exports = Users;
new Users().start();
setTimeout(() => console.log('later'), 2600);`;
  const child = run(t, join(directory(t, { 'domain.cjs': entry }), 'domain.cjs'), { runtime });
  await until(() => child.output.includes('later'), 'the time is over');
  assert.equal(child.output, 'started\nlater\n');
});

test('an entry without such a class, and one that throws, are left to Node', async (t) => {
  const root = directory(t, {
    'plain.cjs': 'console.log("plain");',
    'object.mjs': 'export default { start() { console.log("no class"); } };',
    'throws.cjs': 'console.log("once"); throw new Error("broken");',
    'throws.mjs': 'console.log("once"); throw new Error("broken");',
    'handled.cjs': 'process.on("uncaughtException", () => console.log("handled")); console.log("once"); throw new Error("broken");',
  });
  const results = await Promise.all(['plain.cjs', 'object.mjs', 'throws.cjs', 'throws.mjs', 'handled.cjs'].map(async (file) => {
    const child = run(t, join(root, file));
    const { code } = await child.exit;
    return [code, child.output.split('\n')[0], child.output.match(/^once$/gm)?.length ?? 0, child.output.match(/^Error: broken$/gm)?.length ?? 0];
  }));
  assert.deepEqual(results, [[0, 'plain', 0, 0], [0, '', 0, 0], [1, 'once', 1, 1], [1, 'once', 1, 1], [0, 'once', 1, 0]]);
});

test('a constructor or start that fails ends the process with the reason', async (t) => {
  const root = directory(t, {
    'a.mjs': 'export default class { constructor() { throw new Error("no config"); } start() {} }',
    'b.cjs': 'module.exports = class { async start() { throw new Error("no port"); } };',
  });
  const [a, b] = ['a.mjs', 'b.cjs'].map((file) => run(t, join(root, file)));
  assert.equal((await a.exit).code, 1);
  assert.match(a.output, /the domain failed to start: Error: no config\n +at .*a\.mjs:1:/);
  assert.equal((await b.exit).code, 1);
  assert.match(b.output, /the domain failed to start: Error: no port/);
});

test('worker threads, forked children and other parents start nothing', async (t) => {
  const runtime = await listen(t);
  const again = `
    import { fork } from 'node:child_process';
    import { Worker, isMainThread } from 'node:worker_threads';
    import { fileURLToPath } from 'node:url';
    const file = fileURLToPath(import.meta.url);
    if (isMainThread && !process.env.FORKED) {
      new Worker(file).on('exit', (code) => console.log('worker', code));
      fork(file, { env: { ...process.env, FORKED: '1' } }).on('exit', (code) => console.log('fork', code));
    }
    export default class Users extends DomainBase {}`;
  const root = directory(t, { 'domain.mjs': IMPORT + again, 'other.mjs': `${IMPORT}export default class extends DomainBase {}` });
  const child = run(t, join(root, 'domain.mjs'), { runtime });
  await until(() => child.output.includes('worker 0') && child.output.includes('fork 0'), 'both end by themselves');
  await (await runtime.registered()).request('nope_request');
  const other = run(t, join(root, 'other.mjs'), { runtime, config: { parent: 1 } });
  assert.deepEqual(await other.exit, { code: 0, signal: null });
  assert.equal(runtime.peers.length, 1);
});

test('the program has its own arguments, main module and environment', async (t) => {
  const root = directory(t, {
    'a.cjs': 'console.log(JSON.stringify([process.argv.slice(1), require.main === module, process.execArgv]));',
    'b.mjs': 'console.log(JSON.stringify([process.argv.slice(1), import.meta.url, process.mainModule ?? null]));',
  });
  const a = run(t, join(root, 'a.cjs'), { args: ['--x', 'y'] });
  await a.exit;
  assert.deepEqual(JSON.parse(a.output), [[join(root, 'a.cjs'), '--x', 'y'], true, ['--require', BOOTSTRAP]]);
  const b = run(t, join(root, 'b.mjs'), { args: ['z'] });
  await b.exit;
  assert.deepEqual(JSON.parse(b.output), [[join(root, 'b.mjs'), 'z'], `file://${join(root, 'b.mjs')}`, null]);
});

test('a missing or invalid configuration changes nothing', async (t) => {
  const root = directory(t, { 'domain.mjs': 'export default class { start() { console.log("started"); } }\nconsole.log("ran");' });
  for (const text of ['', '{', '{"v":3}', '{"v":1}']) {
    const child = run(t, join(root, 'domain.mjs'), { env: { FULCRUM_BOOTSTRAP: text } });
    assert.deepEqual(await child.exit, { code: 0, signal: null });
    assert.equal(child.output, 'ran\n');
  }
});
