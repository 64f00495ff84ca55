/** Selects records. Other keys are passed on unchanged. */
export interface Query {
  where?: Record<string, unknown>;
  limit?: number;
  offset?: number;
  /** The direction for each field. */
  order?: Record<string, 'asc' | 'desc'>;
  select?: readonly string[];
  [key: string]: unknown;
}

/** Sends a message type and payload to the runtime; resolves with the response's payload. */
export type Send = (type: string, payload: Record<string, unknown>) => Promise<any>;

/**
 * A query builder for the records of one model: `db('users').where({ active: true }).limit(10).find()`.
 *
 * Each step returns a new table, so a prefix can be kept and used again.
 */
export class Table<Record_ = any> {
  readonly #send: Send;
  readonly #model: string;
  readonly #query: Query;

  /** @internal */
  constructor(send: Send, model: string, query: Query = {}) {
    this.#send = send;
    this.#model = model;
    this.#query = query;
  }

  /** Selects records with these values; conditions of several calls are combined. */
  where(conditions: Record<string, unknown>): Table<Record_> {
    return this.#with({ where: { ...this.#query.where, ...conditions } });
  }

  /** Limits the number of records. */
  limit(count: number): Table<Record_> {
    return this.#with({ limit: count });
  }

  /** Skips the first records. */
  offset(count: number): Table<Record_> {
    return this.#with({ offset: count });
  }

  /** Sorts by a field; further calls sort records with equal values. */
  orderBy(field: string, direction: 'asc' | 'desc' = 'asc'): Table<Record_> {
    return this.#with({ order: { ...this.#query.order, [field]: direction } });
  }

  /** Selects fields of each record. */
  select(...fields: string[]): Table<Record_> {
    return this.#with({ select: fields });
  }

  /** Sends `db_find`. */
  find(): Promise<any> {
    return this.#send('db_find', { model: this.#model, query: this.#query });
  }

  /** Sends `db_create`. */
  create(data: Partial<Record_> & Record<string, unknown>): Promise<any> {
    return this.#send('db_create', { model: this.#model, data });
  }

  /** Sends `db_update` for the selected records. */
  update(data: Partial<Record_> & Record<string, unknown>): Promise<any> {
    return this.#send('db_update', { model: this.#model, where: this.#requireWhere('update'), data });
  }

  /** Sends `db_delete` for the selected records. */
  delete(): Promise<any> {
    return this.#send('db_delete', { model: this.#model, where: this.#requireWhere('delete') });
  }

  /** A missing where() must not change the whole model; `where({})` selects all records explicitly. */
  #requireWhere(verb: string): Record<string, unknown> {
    const { where } = this.#query;
    if (!where) throw new TypeError(`db('${this.#model}').${verb}() needs where(…): select records, or use where({}) for all`);
    return where;
  }

  #with(part: Query): Table<Record_> {
    return new Table(this.#send, this.#model, { ...this.#query, ...part });
  }
}
