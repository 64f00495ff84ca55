/** The exports of `require('@fulcrum/domain')`. */
import { shared } from './singleton.ts';

export const { DomainBase, Email, FulcrumError, Table } = shared;
