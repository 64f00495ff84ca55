import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDomain } from '@fulcrum/domain/testing';
import Catalog from '{{import}}';

test('catalog finds a product by its sku', async (t) => {
  const catalog = await startDomain(Catalog);
  t.after(() => catalog.stop());
  const { product } = await catalog.call('product_get_request', { sku: 'tea-green' });
  assert.equal(product.priceCents, 690);
});

test('catalog names a sku that it does not have', async (t) => {
  const catalog = await startDomain(Catalog);
  t.after(() => catalog.stop());
  await assert.rejects(catalog.call('product_get_request', { sku: 'coffee' }), /no product has the sku "coffee"/);
});
