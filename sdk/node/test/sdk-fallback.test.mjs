import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory, PACKAGE, run } from './spawn.mjs';

const FILES = {
  'a.mjs': `import { DomainBase } from '@fulcrum/domain';\nimport * as other from 'fulcrum';\nconsole.log(typeof DomainBase, other.DomainBase === DomainBase);`,
  'b.cjs': `const { DomainBase } = require('@fulcrum/domain');\nconsole.log(typeof DomainBase, require('fulcrum').DomainBase === DomainBase);`,
};

test('where the package is not installed, both names resolve to the given directory', async (t) => {
  const root = directory(t, FILES, { install: false });
  for (const file of Object.keys(FILES)) {
    const child = run(t, join(root, file), { config: { sdk: PACKAGE } });
    assert.deepEqual(await child.exit, { code: 0, signal: null }, child.output);
    assert.equal(child.output, 'function true\n');
  }
});

test('an installed package comes first, and other packages are not provided', async (t) => {
  const root = directory(t, {
    ...FILES,
    'c.mjs': `import 'left-pad';`,
    'node_modules/fulcrum/index.js': `exports.DomainBase = class Own {};`,
    'node_modules/@fulcrum/domain/index.js': `exports.DomainBase = 1;`,
  }, { install: false });
  for (const file of Object.keys(FILES)) {
    const child = run(t, join(root, file), { config: { sdk: PACKAGE } });
    await child.exit;
    assert.equal(child.output, 'number false\n');
  }
  const child = run(t, join(root, 'c.mjs'), { config: { sdk: PACKAGE } });
  assert.equal((await child.exit).code, 1);
  assert.match(child.output, /Cannot find package 'left-pad'/);
});
