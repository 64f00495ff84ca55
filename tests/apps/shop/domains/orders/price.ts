// The price of an order. Amounts are whole cents, so that rounding happens only once.

export type Line = { priceCents: number; quantity: number };

export type Price = { netCents: number; taxCents: number; totalCents: number };

const TAX_PERCENT = 19;

export function priceOf(lines: readonly Line[]): Price {
  const netCents = lines.reduce((sum, line) => sum + line.priceCents * line.quantity, 0);
  const taxCents = Math.round((netCents * TAX_PERCENT) / 100);
  return { netCents, taxCents, totalCents: netCents + taxCents };
}
