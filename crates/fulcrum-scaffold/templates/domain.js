import { DomainBase } from '@fulcrum/domain';

// Exporting the class is enough: Fulcrum creates an instance and starts it.
export default class {{class}} extends DomainBase {
  // A method named {{method}} handles messages of the type {{request_type}}.
  // Its result is the response; an error that it throws is returned to the caller.
  async {{method}}({ name = 'world' }) {
    return { success: true, message: `Hello, ${name}!` };
  }
}
