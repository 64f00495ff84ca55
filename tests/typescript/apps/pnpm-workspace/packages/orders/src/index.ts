import { Money, sum } from '@acme/money';

export enum Status {
  Open = 'open',
  Paid = 'paid',
}

export interface Order {
  id: string;
  lines: Money[];
  status: Status;
}

export const total = (order: Order): string => sum(order.lines).toString();
