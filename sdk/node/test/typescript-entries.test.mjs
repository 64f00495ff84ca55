// Every kind of entry runs as it would with plain Node, and mistakes come with the cure.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pipe, run, until } from './spawn.mjs';
import { USUAL, WAYS, app, asked } from './typescript-app.mjs';

const MODULE = `const n: number = 1;\nexport {};\nconsole.log(JSON.stringify([n, import.meta.url, process.argv.slice(1), typeof process.mainModule, typeof require]));\n`;
const COMMONJS = `const n: number = 1;\nconsole.log(JSON.stringify([n, __filename, process.argv.slice(1), require.main === module, process.mainModule === module, module.parent === null, module.id, this === module.exports]));\n`;
const TYPES = { module: '{"type":"module"}', commonjs: '{"type":"commonjs"}', none: '{}' };

for (const [way, flags] of Object.entries(WAYS)) {
  test(`entries of every kind: ${way}`, { timeout: 60_000 }, async (t) => {
    const cases = [['domain.ts', 'module', MODULE], ['domain.ts', 'none', MODULE], ['domain.mts', 'commonjs', MODULE], ['domain.tsx', 'module', MODULE], ['domain.tsx', 'none', MODULE],
      ['domain.ts', 'commonjs', COMMONJS], ['domain.ts', 'none', COMMONJS], ['domain.cts', 'module', COMMONJS], ['domain.tsx', 'commonjs', COMMONJS]];
    for (const [name, type, source] of cases) {
      const { root, ts } = app(t, { [name]: source, 'package.json': TYPES[type] });
      const entry = join(root, name);
      const child = run(t, entry, { flags, config: { ts }, args: ['--x'] });
      assert.deepEqual(await child.exit, { code: 0, signal: null }, `${name} ${type} ${child.output}`);
      const expected = source === MODULE ? [1, `file://${entry}`, [entry, '--x'], 'undefined', 'undefined'] : [1, entry, [entry, '--x'], true, true, true, '.', true];
      assert.deepEqual(JSON.parse(child.output), expected, `${name} ${type}`);
    }
  });

  test(`JavaScript with imports in a CommonJS package: ${way}`, async (t) => {
    const { root, ts } = app(t, {
      'package.json': TYPES.commonjs,
      'domain.js': `/* lowered */\nimport { a } from './a.js';\nimport { b } from './b.js';\nconsole.log(JSON.stringify([a, b, require.main === module]));\nimport('./a.js').then((a) => console.log(JSON.stringify([a.a, a.default.a])));\n`,
      'a.js': `/* lowered */\nexport const a = 'a';\n`,
      'b.js': `exports.b = 'b';\n`,
    });
    const child = run(t, join(root, 'domain.js'), { flags, config: { ts } });
    assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
    assert.equal(child.output, '["a","b",true]\n["a","a"]\n');
    assert.deepEqual(asked(root), []);
  });
}

test('an entry that throws ends as with plain Node, whoever listens for rejections', async (t) => {
  const { root, ts } = app(t, { 'domain.ts': `process.on('unhandledRejection', () => console.log('a rejection'));\nconst n: number = 1;\nawait null;\nthrow new Error('boom' + n);\n` });
  const child = run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } });
  assert.equal((await child.exit).code, 1);
  assert.match(child.output, /Error: boom1\n +at file:\/\/.*domain\.ts:4:7/);
  assert.doesNotMatch(child.output, /a rejection/);
});

test('an entry whose await never ends exits with 13', async (t) => {
  const { root, ts } = app(t, { 'domain.ts': `await new Promise(() => {});\nexport {};\n` });
  assert.equal((await run(t, join(root, 'domain.ts'), { flags: USUAL, config: { ts } }).exit).code, 13);
});

for (const [what, name, code, says] of [
  ['__dirname in a module', 'domain.mts', 'console.log(__dirname);', /ReferenceError: __dirname is not defined in ES module scope\nhint: use import\.meta\.dirname .*\n +at file/],
  ['require in a module', 'domain.mts', `require('node:fs');`, /ReferenceError: require is not defined in ES module scope, you can use import instead\nhint: use import and export, .*\n +at file/],
  ['import.meta in CommonJS', 'domain.cts', 'console.log(import.meta.url);', /SyntaxError: Cannot use 'import\.meta' outside a module\nhint: set "type": "module"/],
]) {
  test(`the cure follows Node's message: ${what}`, async (t) => {
    const { root, ts } = app(t, { [name]: `const n: number = 1;\n${code}\n` });
    const child = run(t, join(root, name), { flags: USUAL, config: { ts } });
    assert.equal((await child.exit).code, 1);
    assert.match(child.output, says);
  });
}

test('an error that only looks so, and one that is caught, are left alone', async (t) => {
  const { root, ts } = app(t, { 'domain.mts': `try { require('a'); } catch (error) { console.log(error.message.includes('hint')); }\nthrow new Error('__dirname is not defined');\n` });
  const child = run(t, join(root, 'domain.mts'), { flags: USUAL, config: { ts } });
  await child.exit;
  assert.doesNotMatch(child.output, /hint:|true/);
});

test('a standby process uses the table of its activation', { timeout: 20_000 }, async (t) => {
  const { root, ts } = app(t, { 'domain.ts': `throw new Error('old code');\n`, 'a.ts': `export const a: string = 'today';\n` });
  const entry = join(root, 'domain.ts');
  const child = run(t, entry, { flags: USUAL, input: pipe(t), config: { ts, spare: {} } });
  await new Promise((resolve) => setTimeout(resolve, 400));
  const code = `import { a } from './a.js';\nimport data from './data.json';\nconsole.log(a, data.n, JSON.stringify(process.argv.slice(2)));\n`;
  writeFileSync(join(root, 'data.json'), '{"n":1}');
  writeFileSync(entry, code);
  const next = { ...ts, manifest: join(root, 'next.json') };
  const { fragmentOf } = await import('./fake-helper.mjs');
  writeFileSync(next.manifest, JSON.stringify(fragmentOf([entry], { root, cache: join(root, '.cache') })));
  const config = { v: 2, parent: process.pid, entry, ts: next, sdk: null };
  child.input.write(`${JSON.stringify({ env: { FULCRUM_BOOTSTRAP: JSON.stringify(config) }, cwd: dirname(entry) })}\n`);
  await until(() => child.output.endsWith('\n'), 'it prints');
  assert.equal(child.output, 'today 1 []\n');
  assert.deepEqual(asked(root), []);
});
