/** Which records, and how many of them. Keys beyond these are passed on as they are. */
export interface Query {
  where?: Record<string, unknown>;
  limit?: number;
  offset?: number;
  /** A field and a direction each. */
  order?: Record<string, 'asc' | 'desc'>;
  select?: readonly string[];
  [key: string]: unknown;
}

/** How a table reaches the runtime: message type and payload, the answer's payload back. */
export type Send = (type: string, payload: Record<string, unknown>) => Promise<any>;

/**
 * Records of one model, step by step: `db('users').where({ active: true }).limit(10).find()`.
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

  /** Narrows to records with these values; several calls add up. */
  where(conditions: Record<string, unknown>): Table<Record_> {
    return this.#with({ where: { ...this.#query.where, ...conditions } });
  }

  /** At most this many records. */
  limit(count: number): Table<Record_> {
    return this.#with({ limit: count });
  }

  /** Leaves out the first ones. */
  offset(count: number): Table<Record_> {
    return this.#with({ offset: count });
  }

  /** Sorts by a field; a second call sorts within the first. */
  orderBy(field: string, direction: 'asc' | 'desc' = 'asc'): Table<Record_> {
    return this.#with({ order: { ...this.#query.order, [field]: direction } });
  }

  /** Only these fields of each record. */
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

  /** Sends `db_update` for the records narrowed to. */
  update(data: Partial<Record_> & Record<string, unknown>): Promise<any> {
    return this.#send('db_update', { model: this.#model, where: this.#narrowed('update'), data });
  }

  /** Sends `db_delete` for the records narrowed to. */
  delete(): Promise<any> {
    return this.#send('db_delete', { model: this.#model, where: this.#narrowed('delete') });
  }

  /** A forgotten where() must not change the whole model; `where({})` says that it is meant. */
  #narrowed(verb: string): Record<string, unknown> {
    const { where } = this.#query;
    if (!where) throw new TypeError(`db('${this.#model}').${verb}() needs where(…): say which records, or where({}) for all`);
    return where;
  }

  #with(part: Query): Table<Record_> {
    return new Table(this.#send, this.#model, { ...this.#query, ...part });
  }
}
