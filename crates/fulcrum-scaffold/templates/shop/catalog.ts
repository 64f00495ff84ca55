import { DomainBase } from '@fulcrum/domain';

export interface Product {
  sku: string;
  name: string;
  priceCents: number;
}

const products: Product[] = [
  { sku: 'tea-green', name: 'Green tea, 100 g', priceCents: 690 },
  { sku: 'tea-black', name: 'Black tea, 100 g', priceCents: 540 },
  { sku: 'pot-small', name: 'Teapot, 0.4 l', priceCents: 2400 },
];

// Exporting the class is enough: Fulcrum creates an instance and starts it.
export default class Catalog extends DomainBase {
  // A method named productGetHandler handles messages of the type product_get_request.
  // Its result is the response; an error that it throws is returned to the caller.
  async productGetHandler({ sku }: { sku: string }) {
    const product = products.find((product) => product.sku === sku);
    if (!product) throw new Error(`no product has the sku "${sku}"`);
    return { success: true, product };
  }

  async productListHandler() {
    return { success: true, products };
  }
}
