// Registers whoever asks, with as little work as can be: the other side of a domain that is started
// without Fulcrum. Its argument is the folder of the SDK's tests.
import { pathToFileURL } from 'node:url';

const { FakeRuntime } = await import(pathToFileURL(`${process.argv[2]}/fake-runtime.mjs`));
const runtime = await new FakeRuntime().listen();
console.log(runtime.address);
