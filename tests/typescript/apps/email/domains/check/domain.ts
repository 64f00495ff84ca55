import { DomainBase } from '@fulcrum/domain';
import { render } from '~/render';

export default class Check extends DomainBase {
  appCheckHandler(): object {
    return { html: render('ann', ['one', 'two']) };
  }
}
