import { DomainBase } from '@fulcrum/domain';
import { Order, Status, total } from '@acme/orders';
import { price } from '@acme/orders/price';
import { nanoid } from 'nanoid';

export default class Check extends DomainBase {
  appCheckHandler(): object {
    const order: Order = { id: nanoid(), lines: [price('tea', 3), price('cup', 4)], status: Status.Open };
    return { total: total(order), status: order.status, id: order.id.length };
  }
}
