export class Money {
  constructor(readonly amount: number, private readonly currency = 'EUR') {}

  toString(): string {
    return `${this.amount} ${this.currency}`;
  }
}

export const sum = (all: Money[]): Money => new Money(all.reduce((sum, { amount }) => sum + amount, 0));
