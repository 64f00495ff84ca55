/** What `require('@fulcrum/domain')` gives. */
import { shared } from './package.ts';

export const { DomainBase, Email, FulcrumError, Table } = shared;
