// Registers every domain, with as little work as possible: the peer of a domain that is started
// without Fulcrum. Its argument is the directory of the SDK's tests.
import { pathToFileURL } from 'node:url';

const { FakeRuntime } = await import(pathToFileURL(`${process.argv[2]}/fake-runtime.mjs`));
const runtime = await new FakeRuntime().listen();
console.log(runtime.address);
