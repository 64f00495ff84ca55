/**
 * `@fulcrum/domain`: write a Fulcrum domain as a class with handlers.
 *
 * @packageDocumentation
 */
export { DomainBase } from './domain.ts';
export { FulcrumError } from './errors.ts';
export type { FulcrumErrorCode } from './errors.ts';
export type { DomainOptions } from './options.ts';
export type { EventContext, EventHandler, Handler, RequestContext } from './handlers.ts';
export { Table } from './database.ts';
export type { Query } from './database.ts';
export { Email } from './email.ts';
export type { EmailMessage } from './email.ts';
