import { DomainBase } from '@fulcrum/domain';

const orders = [];

// Starts when catalog is ready: see depends_on in fulcrum.yml.
export default class Orders extends DomainBase {
  async orderCreateHandler({ sku, quantity = 1 }, { signal }) {
    // A call to another domain. If the caller of this handler gives up, the signal cancels it.
    const { product } = await this.call('catalog', 'product_get_request', { sku }, { signal });
    const order = { id: orders.length + 1, sku, quantity, totalCents: product.priceCents * quantity };
    orders.push(order);
    return { success: true, order };
  }

  async orderListHandler() {
    return { success: true, orders };
  }
}
