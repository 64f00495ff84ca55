import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory, PACKAGE } from './spawn.mjs';

const DOMAIN = `
export class Users extends DomainBase {
  static override domainName = 'users';
  override async onStart() { this.name.toUpperCase(); }
  async userCreateHandler(payload: { name: string }, context: RequestContext) {
    const found = await this.db<{ name: string }>('users').where({ name: payload.name }).limit(1).find();
    await this.email().to('a@b.c').subject(context.type).send();
    return { found, price: await this.call('catalog', 'price_request', { sku: 1 }) };
  }
}
const code: FulcrumErrorCode = new FulcrumError('TIMEOUT', 'late').code;
// @ts-expect-error a limit is a number
new Users({ timeoutMs: 5 }).db('users').limit('1');
void code;
`;

const CONSUMERS = {
  'esm.mts': `import fulcrum, { DomainBase, FulcrumError, type FulcrumErrorCode, type RequestContext } from '@fulcrum/domain';\nvoid fulcrum.DomainBase;${DOMAIN}`,
  'cjs.cts': `import { DomainBase, FulcrumError, type FulcrumErrorCode, type RequestContext } from 'fulcrum';${DOMAIN}`,
};

for (const resolution of ['nodenext', 'node16', 'bundler']) {
  test(`the declarations serve modules and CommonJS: ${resolution}`, (t) => {
    const root = directory(t, CONSUMERS);
    const module = resolution === 'bundler' ? 'esnext' : resolution;
    const files = Object.keys(CONSUMERS).filter((file) => resolution !== 'bundler' || file !== 'cjs.cts');
    const { status, stdout } = spawnSync(process.execPath, [
      join(PACKAGE, 'node_modules/typescript/bin/tsc'), '--ignoreConfig', '--noEmit', '--strict', '--noImplicitOverride', '--target', 'es2022',
      '--types', '', '--module', module, '--moduleResolution', resolution, ...files,
    ], { cwd: root, encoding: 'utf8' });
    assert.equal(stdout, '');
    assert.equal(status, 0);
  });
}
