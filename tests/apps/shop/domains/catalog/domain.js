// What the shop sells. JavaScript, and nothing to install: Fulcrum brings @fulcrum/domain.
import { DomainBase } from '@fulcrum/domain';

const products = new Map([
  ['tea-green', { sku: 'tea-green', name: 'Green tea, 100 g', priceCents: 690 }],
  ['tea-black', { sku: 'tea-black', name: 'Black tea, 100 g', priceCents: 540 }],
  ['pot-small', { sku: 'pot-small', name: 'Teapot, 0.4 l', priceCents: 2400 }],
]);

// Exporting the class is enough: Fulcrum makes one and starts it.
export default class Catalog extends DomainBase {
  // Runs once, before the domain says that it is there.
  async onStart() {
    console.log(`catalog has ${products.size} products`);
  }

  // A method named productGetHandler answers messages of the type product_get_request.
  // What it returns is the answer; what it throws is the caller's error.
  async productGetHandler({ sku }) {
    const product = products.get(sku);
    if (!product) {
      throw new Error(`no product has the sku "${sku}"; known: ${[...products.keys()].join(', ')}`);
    }
    return { success: true, product };
  }

  async productIndexHandler() {
    return { success: true, products: [...products.values()] };
  }
}
