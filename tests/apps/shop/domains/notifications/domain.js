// Sends notifications to customers. A plain gRPC client without @fulcrum/domain. Fulcrum installs its
// dependencies before the first start.
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const DOMAIN = 'notifications';
const SERVER = process.env.FULCRUM_GRPC_SERVER || 'localhost:50051';
const RECONNECT_AFTER_MS = 5000;

const definition = protoLoader.loadSync(path.join(__dirname, 'framework.proto'), { keepCase: true });
const { FrameworkService } = grpc.loadPackageDefinition(definition).framework;

const sent = [];

// One function per message type; its result is the response's payload.
const handlers = {
  notification_send_request({ to, text }) {
    if (!to) throw new Error('"to" is missing');
    sent.push({ to, text });
    console.log(`notified ${to}: ${text}`);
    return { success: true, sent: sent.length };
  },

  notification_index_request() {
    return { success: true, notifications: sent };
  },
};

function respond(stream, request) {
  let payload;
  try {
    payload = handlers[request.type](JSON.parse(request.payload || '{}'));
  } catch (error) {
    payload = { success: false, error: error.message };
  }
  stream.write({
    domain: DOMAIN,
    type: request.type.replace(/_request$/, '_response'),
    payload: JSON.stringify(payload),
    request_id: request.request_id,
  });
}

function connect() {
  const client = new FrameworkService(SERVER, grpc.credentials.createInsecure());
  const stream = client.DomainCommunication();
  let ended = false;

  const reconnect = (reason) => {
    // A broken stream emits both 'error' and 'end': reconnect once.
    if (ended) return;
    ended = true;
    console.error(`connection to ${SERVER} lost (${reason}), next attempt in ${RECONNECT_AFTER_MS / 1000} s`);
    client.close();
    setTimeout(connect, RECONNECT_AFTER_MS);
  };
  stream.on('error', (error) => reconnect(error.message));
  stream.on('end', () => reconnect('ended by the server'));
  stream.on('data', (message) => {
    if (message.type === 'register_success') console.log(`registered as ${DOMAIN}`);
    else if (Object.hasOwn(handlers, message.type)) respond(stream, message);
    else console.log(`ignoring a message of type ${message.type}`);
  });

  stream.write({
    domain: DOMAIN,
    type: 'domain_register',
    payload: JSON.stringify({ domain: DOMAIN, capabilities: ['email_operations'] }),
    request_id: `register-${process.pid}`,
  });
}

connect();
