// Creates orders. TypeScript without a build step: Fulcrum strips the types before Node loads the
// file, and keeps positions, so that stack traces name the right line.
import { DomainBase } from '@fulcrum/domain';
// Node requires the extension, in TypeScript as well.
import { priceOf, type Price } from './price.ts';

interface Product {
  sku: string;
  name: string;
  priceCents: number;
}

interface OrderRequest {
  sku: string;
  quantity?: number;
}

interface Order {
  id: number;
  product: Product;
  quantity: number;
  price: Price;
}

export default class Orders extends DomainBase {
  #nextId = 1;

  async orderCreateHandler({ sku, quantity = 1 }: OrderRequest): Promise<{ success: true; order: Order }> {
    if (!Number.isInteger(quantity) || quantity < 1) {
      throw new Error(`quantity is ${quantity}; it must be a whole number from 1`);
    }
    // Another domain is called through Fulcrum, by its name. If catalog responds with an error,
    // `call` throws it, and it becomes the response.
    const { product } = (await this.call('catalog', 'product_get_request', { sku })) as { product: Product };
    const price = priceOf([{ priceCents: product.priceCents, quantity }]);
    const order = { id: this.#nextId++, product, quantity, price };
    console.log(`order ${order.id}: ${quantity} × ${product.name}`);
    return { success: true, order };
  }
}
