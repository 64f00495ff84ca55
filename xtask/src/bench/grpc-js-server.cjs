'use strict';
// A gRPC server with the same handler as the domains, without Fulcrum: PROTO GRPC_JS_DIR. Prints its port.
const [proto, packages] = process.argv.slice(2);
const grpc = require(require.resolve('@grpc/grpc-js', { paths: [packages] }));
const loader = require(require.resolve('@grpc/proto-loader', { paths: [packages] }));
const { FrameworkService } = grpc.loadPackageDefinition(loader.loadSync(proto, { keepCase: true })).framework;
const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
server.addService(FrameworkService.service, {
  SendMessage({ request: { type, payload, request_id } }, callback) {
    const { text } = JSON.parse(payload);
    callback(null, { type: type.replace(/_request$/, '_response'), payload: JSON.stringify({ success: true, text }), request_id, success: true });
  },
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
