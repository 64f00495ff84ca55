import { DomainBase } from '@fulcrum/domain';
import { build } from './server.js';

export default class Check extends DomainBase {
  readonly #server = build();

  async appCheckHandler(): Promise<object> {
    const good = await this.#server.inject({ method: 'POST', url: '/users', payload: { name: 'ann', level: 2 } });
    const bad = await this.#server.inject({ method: 'POST', url: '/users', payload: { level: 'x' } });
    return { good: good.json(), bad: bad.statusCode };
  }
}
