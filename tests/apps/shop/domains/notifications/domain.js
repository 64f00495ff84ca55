// Tells customers what became of their order. Written before Fulcrum brought a package of
// its own: a plain gRPC client with dependencies of its own, which Fulcrum installs before
// the first start. Domains like this one run unchanged.
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const DOMAIN = 'notifications';
const SERVER = process.env.FULCRUM_GRPC_SERVER || 'localhost:50051';
const RECONNECT_AFTER_MS = 5000;

const definition = protoLoader.loadSync(path.join(__dirname, 'framework.proto'), { keepCase: true });
const { FrameworkService } = grpc.loadPackageDefinition(definition).framework;

const sent = [];

// One function a message type; what it returns goes back as the answer's payload.
const handlers = {
  notification_send_request({ to, text }) {
    if (!to) throw new Error('"to" is missing');
    sent.push({ to, text });
    console.log(`told ${to}: ${text}`);
    return { success: true, sent: sent.length };
  },

  notification_index_request() {
    return { success: true, notifications: sent };
  },
};

function answer(stream, request) {
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
  let over = false;

  const reconnect = (why) => {
    // A broken stream says so twice, by 'error' and by 'end': dial again once.
    if (over) return;
    over = true;
    console.error(`connection to ${SERVER} lost (${why}), next attempt in ${RECONNECT_AFTER_MS / 1000} s`);
    client.close();
    setTimeout(connect, RECONNECT_AFTER_MS);
  };
  stream.on('error', (error) => reconnect(error.message));
  stream.on('end', () => reconnect('ended by the server'));
  stream.on('data', (message) => {
    if (message.type === 'register_success') console.log(`registered as ${DOMAIN}`);
    else if (Object.hasOwn(handlers, message.type)) answer(stream, message);
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
