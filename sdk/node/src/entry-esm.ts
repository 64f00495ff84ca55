/** The exports of `import … from '@fulcrum/domain'`. */
import { deferBootstrap } from './bootstrap/deferred-bootstrap.ts';
import { shared } from './singleton.ts';

deferBootstrap();

export const { DomainBase, Email, FulcrumError, Table } = shared;
export default shared;
