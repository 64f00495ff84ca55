import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeDomain, encodeRuntime, frame, stringField } from './fake-runtime.mjs';
import internals from './internals.mjs';

const { decodeRuntimeMessage, encodeDomainFrame, FrameReader, MAX_MESSAGE_BYTES } = internals;

/** A small seeded generator, so that a failure can be repeated. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
}

const SAMPLES = ['', 'a', 'ü', '漢字', '😀', '\u0000', 'x'.repeat(127), 'x'.repeat(128), 'ü'.repeat(9_000), '{"a":1}'];

test('any domain message is decoded by another codec', () => {
  const next = random(1);
  for (let round = 0; round < 300; round++) {
    const [domain, type, payload, requestId] = [0, 0, 0, 0].map(() => SAMPLES[next(SAMPLES.length)]);
    const bytes = encodeDomainFrame({ domain, type, payload, requestId });
    assert.equal(bytes[0], 0);
    assert.equal(bytes.readUInt32BE(1), bytes.length - 5);
    assert.deepEqual(decodeDomain(bytes.subarray(5)), { domain, type, payload, request_id: requestId });
  }
});

test('runtime messages are complete and in order, however their bytes are split', () => {
  const next = random(2);
  for (let round = 0; round < 200; round++) {
    const sent = Array.from({ length: 1 + next(6) }, (_, index) => ({
      type: SAMPLES[next(SAMPLES.length)], payload: SAMPLES[next(SAMPLES.length)], requestId: `${index}`, success: next(2) === 1, error: SAMPLES[next(SAMPLES.length)], deadlineMs: next(3) * 40_000, streamCredit: next(2) * 16, traceparent: SAMPLES[next(SAMPLES.length)], tracestate: SAMPLES[next(SAMPLES.length)], baggage: SAMPLES[next(SAMPLES.length)],
    }));
    const bytes = Buffer.concat(sent.map(({ requestId, deadlineMs, streamCredit, ...rest }) => frame(encodeRuntime({ ...rest, request_id: requestId, deadline_ms: deadlineMs, stream_credit: streamCredit }))));
    const reader = new FrameReader();
    const received = [];
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + next(round % 2 ? 7 : 4_000));
      received.push(...reader.push(bytes.subarray(at, end)).map(decodeRuntimeMessage));
      at = end;
    }
    assert.deepEqual(received, sent);
  }
});

test('unknown fields are skipped, whatever their wire type', () => {
  const known = encodeRuntime({ type: 't', request_id: 'r' });
  const unknown = Buffer.concat([
    stringField(13, 'later'), Buffer.from([14 << 3, 0xac, 0x02]),
    Buffer.from([(11 << 3) | 5, 1, 2, 3, 4]), Buffer.from([(12 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8]),
    Buffer.from([0x82, 0x7d, 2, 0x61, 0x62]), // field 2000
  ]);
  const message = decodeRuntimeMessage(Buffer.concat([unknown, known, unknown]));
  assert.deepEqual(message, { type: 't', payload: '', requestId: 'r', success: true, error: '', deadlineMs: 0, streamCredit: 0, traceparent: '', tracestate: '', baggage: '' });
});

test('a wrong length is an error, never a hang or a wrong field', () => {
  const next = random(3);
  const good = encodeRuntime({ type: 'type', payload: '{"a":1}', request_id: 'id', error: 'e' });
  assert.throws(() => decodeRuntimeMessage(Buffer.from([0x0a, 200, 1, 65])), /field 1 at byte 0 needs 200 bytes, 1 are left/);
  assert.throws(() => decodeRuntimeMessage(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])), /needs/);
  assert.throws(() => decodeRuntimeMessage(Buffer.alloc(11, 0x80)), /more than ten bytes/);
  assert.throws(() => decodeRuntimeMessage(Buffer.from([0x80])), /ends inside a number/);
  assert.throws(() => decodeRuntimeMessage(Buffer.from([0x0b])), /wire type 3/);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(good);
    for (let flips = 1 + next(3); flips > 0; flips--) bytes[next(bytes.length)] = next(256);
    try {
      decodeRuntimeMessage(bytes.subarray(0, next(bytes.length + 1)));
    } catch (error) {
      assert.match(error.message, /^malformed message: /);
    }
  }
});

test('a compressed or oversized message ends the stream instead of filling memory', () => {
  assert.throws(() => new FrameReader().push(Buffer.from([1, 0, 0, 0, 0])), /compressed/);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(MAX_MESSAGE_BYTES + 1, 1);
  assert.throws(() => new FrameReader().push(head), /the maximum is/);
});
