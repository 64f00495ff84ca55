// The products of the shop. JavaScript with nothing to install: Fulcrum provides @fulcrum/domain.
import { DomainBase } from '@fulcrum/domain';

const products = new Map([
  ['tea-green', { sku: 'tea-green', name: 'Green tea, 100 g', priceCents: 690 }],
  ['tea-black', { sku: 'tea-black', name: 'Black tea, 100 g', priceCents: 540 }],
  ['pot-small', { sku: 'pot-small', name: 'Teapot, 0.4 l', priceCents: 2400 }],
]);

// Exporting the class is enough: Fulcrum creates an instance and starts it.
export default class Catalog extends DomainBase {
  // Called once, before the domain registers.
  async onStart() {
    console.log(`catalog has ${products.size} products`);
  }

  // A method named productGetHandler handles messages of the type product_get_request.
  // Its result is the response; an error that it throws is returned to the caller.
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
