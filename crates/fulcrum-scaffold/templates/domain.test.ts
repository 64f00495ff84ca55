import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDomain } from '@fulcrum/domain/testing';
import {{class}} from '{{import}}';

test('{{name}} says hello', async (t) => {
  const domain = await startDomain({{class}});
  t.after(() => domain.stop());
  const response = await domain.call('{{request_type}}', { name: 'Ann' });
  assert.deepEqual(response, { success: true, message: 'Hello, Ann!' });
});
