import { Shape, kind } from './shape';

@kind('square')
export class Square implements Shape {
  constructor(private readonly side: number) {}

  area(): number {
    return this.side ** 2;
  }
}
