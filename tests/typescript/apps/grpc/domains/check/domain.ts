import { DomainBase } from '@fulcrum/domain';
import { Client, Greeter } from './greeter';

export default class Check extends DomainBase {
  private readonly greeter = new Greeter('hello');

  async appCheckHandler(): Promise<object> {
    const port = await this.greeter.listen();
    const client = new Client(port);
    try {
      return { text: await client.greet('ann') };
    } finally {
      client.close();
      this.greeter.close();
    }
  }
}
