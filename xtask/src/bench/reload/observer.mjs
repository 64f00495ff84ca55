// Prints when a domain's response changes: `version pid milliseconds-since-1970` a line, whenever
// version or pid differ from before. Arguments: the directory of the SDK's tests; then either nothing,
// to be the registration server of a domain that is started without Fulcrum, or the address of
// Fulcrum's port and a domain's name, to call it every millisecond.
import http2 from 'node:http2';
import { pathToFileURL } from 'node:url';

const [tests, address, domain] = process.argv.slice(2);
const { FakeRuntime, frame, stringField } = await import(pathToFileURL(`${tests}/fake-runtime.mjs`));

let last = '';
function report({ version, pid }) {
  const now = performance.timeOrigin + performance.now();
  const seen = `${version} ${pid}`;
  if (seen !== last) process.stdout.write(`${seen} ${now}\n`);
  last = seen;
}

if (address === undefined) await register();
else call();

async function register() {
  const runtime = await new FakeRuntime().listen();
  runtime.on('registered', async (peer) => {
    // A process that is being replaced may exit before it responds.
    const answer = await peer.request('ping_request').catch(() => undefined);
    if (answer) report(answer.payload);
  });
  console.log(runtime.address);
}

function call() {
  const session = http2.connect(`http://${address}`);
  // The instance has exited.
  session.on('close', () => process.exit());
  const head = { ':method': 'POST', ':path': '/framework.FrameworkService/SendMessage', 'content-type': 'application/grpc', te: 'trailers' };
  const message = frame(Buffer.concat([stringField(1, domain), stringField(2, 'ping_request'), stringField(3, '{}'), stringField(4, 'ping')]));
  const once = () => {
    if (session.destroyed) return;
    const stream = session.request(head);
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      const answer = /\{"version":(\d+),"pid":(\d+)/.exec(text);
      if (answer) report({ version: answer[1], pid: answer[2] });
      setTimeout(once, 1);
    });
    stream.on('error', () => undefined);
    stream.end(message);
  };
  console.log(address);
  once();
}
