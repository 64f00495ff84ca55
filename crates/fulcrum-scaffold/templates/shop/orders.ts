import { DomainBase, type RequestContext } from '@fulcrum/domain';
import type { Product } from '../catalog/domain.ts';

interface Order {
  id: number;
  sku: string;
  quantity: number;
  totalCents: number;
}

const orders: Order[] = [];

// Starts when catalog is ready: see depends_on in fulcrum.yml.
export default class Orders extends DomainBase {
  async orderCreateHandler({ sku, quantity = 1 }: { sku: string; quantity?: number }, { signal }: RequestContext) {
    // A call to another domain. If the caller of this handler gives up, the signal cancels it.
    const { product }: { product: Product } = await this.call('catalog', 'product_get_request', { sku }, { signal });
    const order: Order = { id: orders.length + 1, sku, quantity, totalCents: product.priceCents * quantity };
    orders.push(order);
    return { success: true, order };
  }

  async orderListHandler() {
    return { success: true, orders };
  }
}
