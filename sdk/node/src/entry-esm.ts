/** What `import … from '@fulcrum/domain'` gives. */
import { standIn } from './bootstrap/stand-in.ts';
import { shared } from './package.ts';

standIn();

export const { DomainBase, Email, FulcrumError, Table } = shared;
export default shared;
