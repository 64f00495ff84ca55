'use strict';
// A domain that is written by hand with @grpc/grpc-js, as those from before the SDK: no token, no
// capabilities. PROTO_DIR and GRPC_JS_DIR name its files.
const path = require('node:path');

const { PROTO_DIR, GRPC_JS_DIR, FULCRUM_DOMAIN_NAME: name, FULCRUM_GRPC_SERVER: server } = process.env;
const grpc = require(require.resolve('@grpc/grpc-js', { paths: [GRPC_JS_DIR] }));
const loader = require(require.resolve('@grpc/proto-loader', { paths: [GRPC_JS_DIR] }));
const definition = loader.loadSync(path.join(PROTO_DIR, 'framework/framework.proto'), { keepCase: true });
const { FrameworkService } = grpc.loadPackageDefinition(definition).framework;

const stream = new FrameworkService(server, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 }).DomainCommunication();

async function answer(type, payload) {
  if (type === 'answer_wait_request') await new Promise((resolve) => { setTimeout(resolve, payload.ms); });
  if (type === 'row_list_request') return Array.from({ length: payload.to }, (_, index) => ({ n: index + 1 }));
  return { success: true, text: payload.text };
}

stream.on('data', async ({ type, payload, request_id }) => {
  if (!type.endsWith('_request')) return;
  const response = JSON.stringify(await answer(type, JSON.parse(payload)));
  stream.write({ domain: name, type: type.replace(/_request$/, '_response'), payload: response, request_id });
});
stream.on('error', () => process.exit(1));
stream.write({ domain: name, type: 'domain_register', payload: JSON.stringify({ domain: name, capabilities: [] }), request_id: '1' });
