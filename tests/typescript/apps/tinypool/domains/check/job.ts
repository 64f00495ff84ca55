import { Kind, power } from './power.js';

export interface Job {
  n: number;
  kind: 'square' | 'cube';
}

export default function run({ n, kind }: Job): string {
  return `${power(n, kind === 'square' ? Kind.Square : Kind.Cube)} ${process.env.POOL}`;
}
