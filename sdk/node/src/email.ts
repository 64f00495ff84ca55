import type { Send } from './database.ts';

/** An email. Other keys are passed on unchanged. */
export interface EmailMessage {
  to?: string | readonly string[];
  from?: string;
  cc?: string | readonly string[];
  bcc?: string | readonly string[];
  replyTo?: string;
  subject?: string;
  text?: string;
  html?: string;
  template?: string;
  data?: Record<string, unknown>;
  [key: string]: unknown;
}

/** A builder for an email: `email().to('a@b.c').subject('Hi').text('…').send()`. */
export class Email {
  readonly #send: Send;
  readonly #message: EmailMessage;

  /** @internal */
  constructor(send: Send, message: EmailMessage = {}) {
    this.#send = send;
    this.#message = message;
  }

  to(...addresses: string[]): Email {
    return this.#with({ to: one(addresses) });
  }

  from(address: string): Email {
    return this.#with({ from: address });
  }

  cc(...addresses: string[]): Email {
    return this.#with({ cc: one(addresses) });
  }

  bcc(...addresses: string[]): Email {
    return this.#with({ bcc: one(addresses) });
  }

  replyTo(address: string): Email {
    return this.#with({ replyTo: address });
  }

  subject(text: string): Email {
    return this.#with({ subject: text });
  }

  text(text: string): Email {
    return this.#with({ text });
  }

  html(html: string): Email {
    return this.#with({ html });
  }

  /** Uses a template of the runtime, filled with `data`. */
  template(name: string, data: Record<string, unknown> = {}): Email {
    return this.#with({ template: name, data });
  }

  /** Sends `email_send`. */
  send(): Promise<any> {
    return this.#send('email_send', { ...this.#message });
  }

  #with(part: EmailMessage): Email {
    return new Email(this.#send, { ...this.#message, ...part });
  }
}

function one(addresses: string[]): string | string[] {
  return addresses.length === 1 ? (addresses[0] as string) : addresses;
}
