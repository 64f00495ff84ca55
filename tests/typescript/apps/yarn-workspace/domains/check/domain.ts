import { DomainBase } from '@fulcrum/domain';
import { Shape, Square, kinds } from '@acme/shapes';
import ms from 'ms';

export default class Check extends DomainBase {
  async appCheckHandler(): Promise<object> {
    const shape: Shape = new Square(3);
    const { circle } = await import('@acme/shapes/circle');
    return { area: shape.area(), kinds, hour: ms('1h'), circle: circle(1).area() };
  }
}
