import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDomain } from '@fulcrum/domain/testing';
import Orders from '{{import}}';

test('an order has the price of its products', async (t) => {
  // The catalog of this test. Other domains can be real: `domains: { catalog: Catalog }`.
  const catalog = { product_get_request: () => ({ product: { sku: 'tea-green', priceCents: 690 } }) };
  const orders = await startDomain(Orders, { domains: { catalog } });
  t.after(() => orders.stop());
  const { order } = await orders.call('order_create_request', { sku: 'tea-green', quantity: 3 });
  assert.equal(order.totalCents, 2070);
});
