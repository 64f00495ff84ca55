/**
 * Sets a breakpoint on a line of a source file as an editor does, through the file's source map if it
 * has one, and checks that the program pauses there. Needs Node 22 or later.
 *
 * node breakpoint.mjs '{"program","args","cwd","env","file","line"}'
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const LIMIT_MS = 20_000;
const { program, args, cwd, env, file, line } = JSON.parse(process.argv[2]);
const url = pathToFileURL(file).href;
const seen = [];

const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
let stderr = '';
child.stderr.setEncoding('utf8').on('data', (text) => {
  const known = stderr.length;
  stderr += text;
  // The program's own process and those that it forks.
  for (const found of stderr.matchAll(/Debugger listening on (ws:\S+)\n/g)) {
    if (found.index + found[0].length > known) attach(found[1]);
  }
});
child.on('exit', (code) => end(`the program exited with ${code} before it paused`));
setTimeout(() => end('no pause'), LIMIT_MS);

function end(problem) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has exited.
  }
  if (problem === undefined) process.exit(0);
  console.error(`${problem}\nscripts: ${seen.join(', ') || 'none of that name'}\n${stderr}`);
  process.exit(1);
}

function attach(address) {
  const socket = new WebSocket(address);
  const session = new Session((message) => socket.send(message));
  socket.addEventListener('message', ({ data }) => session.receive(JSON.parse(data)));
  socket.addEventListener('open', () => void session.start().catch((error) => end(String(error))));
}

/** The inspector of a process, or of a thread in it. */
class Session {
  #transmit;
  #last = 0;
  #answers = new Map();
  #threads = new Map();
  #scripts = new Map();
  #breakpoint;

  constructor(transmit) {
    this.#transmit = transmit;
  }

  async start() {
    await this.#call('Runtime.enable');
    await this.#call('Debugger.enable');
    await this.#call('NodeWorker.enable', { waitForDebuggerOnStart: true }).catch(() => undefined);
    await this.#call('Debugger.setInstrumentationBreakpoint', { instrumentation: 'beforeScriptWithSourceMapExecution' });
    // For a file without a map. A CommonJS file has a path as its URL in some versions.
    await this.#set({ line: line - 1, column: 0 });
    await this.#call('Runtime.runIfWaitingForDebugger');
  }

  receive(message) {
    if (message.id !== undefined) {
      const { resolve, reject } = this.#answers.get(message.id);
      this.#answers.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
      return;
    }
    const { method, params } = message;
    if (method === 'Debugger.scriptParsed') this.#parsed(params);
    else if (method === 'Debugger.paused') void this.#paused(params).catch((error) => end(String(error.stack)));
    else if (method === 'NodeWorker.attachedToWorker') {
      const thread = new Session((text) => void this.#call('NodeWorker.sendMessageToWorker', { sessionId: params.sessionId, message: text }));
      this.#threads.set(params.sessionId, thread);
      void thread.start().catch((error) => end(String(error)));
    } else if (method === 'NodeWorker.receivedMessageFromWorker') {
      this.#threads.get(params.sessionId).receive(JSON.parse(params.message));
    }
  }

  #call(method, params = {}) {
    const id = ++this.#last;
    this.#transmit(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
  }

  async #set({ line: lineNumber, column: columnNumber }) {
    if (this.#breakpoint) await this.#call('Debugger.removeBreakpoint', { breakpointId: this.#breakpoint });
    const names = [url, file].map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const urlRegex = `^(${names.join('|')})$`;
    const { breakpointId } = await this.#call('Debugger.setBreakpointByUrl', { urlRegex, lineNumber, columnNumber });
    this.#breakpoint = breakpointId;
  }

  #parsed({ scriptId, url: name, sourceMapURL }) {
    if (name !== url && name !== file) return;
    seen.push(sourceMapURL ? `${name} with a map` : name);
    this.#scripts.set(scriptId, sourceMapURL ? readMap(sourceMapURL) : undefined);
  }

  async #paused({ reason, data, callFrames, hitBreakpoints = [] }) {
    const { scriptId, lineNumber, columnNumber } = callFrames[0].location;
    if (hitBreakpoints.includes(this.#breakpoint)) {
      const map = this.#scripts.get(scriptId);
      const at = map ? toSource(map, lineNumber, columnNumber) : { source: url, line: lineNumber };
      if (at.source === url && at.line === line - 1) end();
      else end(`paused at ${at.source}:${at.line + 1} instead of ${url}:${line}`);
      return;
    }
    const map = this.#scripts.get(data?.scriptId);
    if (reason === 'instrumentation' && map) {
      const at = toGenerated(map);
      if (!at) return end(`the map has nothing for line ${line}`);
      await this.#set(at);
    }
    await this.#call('Debugger.resume');
  }
}

/** The segments of a map, in their order. */
function readMap(address) {
  const text = address.startsWith('data:')
    ? Buffer.from(address.slice(address.indexOf(',') + 1), 'base64').toString()
    : readFileSync(new URL(address, url), 'utf8');
  const { mappings, sources } = JSON.parse(text);
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const segments = [];
  let [source, sourceLine, sourceColumn] = [0, 0, 0];
  mappings.split(';').forEach((group, generatedLine) => {
    let column = 0;
    for (const segment of group.split(',')) {
      const fields = [];
      let [value, shift] = [0, 0];
      for (const digit of segment) {
        const bits = digits.indexOf(digit);
        value += (bits & 31) << shift;
        shift += 5;
        if (bits & 32) continue;
        fields.push(value & 1 ? -(value >> 1) : value >> 1);
        [value, shift] = [0, 0];
      }
      if (fields.length === 0) continue;
      column += fields[0];
      if (fields.length === 1) continue;
      source += fields[1];
      sourceLine += fields[2];
      sourceColumn += fields[3];
      segments.push({ generatedLine, column, source: sources[source], sourceLine, sourceColumn });
    }
  });
  return segments;
}

/** Where the source's line begins in the code that runs. */
function toGenerated(map) {
  const there = map.filter((segment) => segment.sourceLine === line - 1);
  const [first] = there.sort((a, b) => a.sourceColumn - b.sourceColumn || a.generatedLine - b.generatedLine || a.column - b.column);
  return first && { line: first.generatedLine, column: first.column };
}

/** The place in the source of a place in the code that runs. */
function toSource(map, generatedLine, column) {
  const before = map.filter((segment) => segment.generatedLine === generatedLine && segment.column <= column);
  const last = before.at(-1);
  return last ? { source: last.source, line: last.sourceLine } : { source: 'no source', line: generatedLine };
}
