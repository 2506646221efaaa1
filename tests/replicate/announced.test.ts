/** Each proven replica is announced at least once, even if functions die. Nothing is announced unless the configuration asks for it. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { s3Event, testConfiguration, testDestination, testRule } from '../model/settings.ts';
import { batchWorld, NOW, queueMessage } from './batch-world.ts';

const announcing = (fields: Partial<ReplicationRule> = {}) =>
  batchWorld(testConfiguration(testRule({ announce: 'eventbridge', ...fields })), () => setImmediate());

type World = ReturnType<typeof announcing>;

/** Puts an object into the source, and returns the message of S3. */
const uploaded = (world: World, key: string, text = key) => {
  const { versionId } = world.source.put(key, Buffer.from(text));
  return queueMessage(s3Event({ key, versionId, sequencer: `${key} ${versionId}`, sizeBytes: text.length }), {
    messageId: `${key} ${versionId}`,
  });
};

const announcedIn = ({ requests }: World) => requests.flat();
const keysIn = (world: World) => announcedIn(world).map(({ object }) => object.key);

test('a proven replica is announced with the names of both sides, and with its proof', async () => {
  const world = announcing();
  const message = uploaded(world, 'a/ä', 'meow');
  expect(await world.run(message)).toEqual({ failed: [] });
  const [version] = world.source.versions('a/ä');
  const [replica] = world.replica('replica').versions('a/ä');
  expect(announcedIn(world)).toEqual([
    {
      version: '1',
      rule: 'rule',
      bucket: { name: 'source' },
      object: {
        key: 'a/ä',
        size: 4,
        etag: expect.stringMatching(/^[0-9a-f]{32}$/),
        'version-id': version?.id,
        'last-modified': new Date(NOW).toISOString(),
      },
      destination: { id: 'replica', bucket: { name: 'replica' }, region: 'eu-central-1' },
      replica: {
        key: 'a/ä',
        etag: expect.stringMatching(/^[0-9a-f]{32}$/),
        'version-id': replica?.id,
      },
      proof: 'etag',
      'replicated-at': new Date(NOW).toISOString(),
    },
  ]);
});

test('the replicas of a batch are announced ten at a time', async () => {
  const world = announcing();
  const keys = Array.from({ length: 23 }, (_, index) => `key ${index}`);
  await world.run(...keys.map((key) => uploaded(world, key)));
  expect(keysIn(world).toSorted()).toEqual(keys.toSorted());
  expect(world.requests.map((events) => events.length)).toEqual([10, 10, 3]);
});

test('without `announce` the bus gets no request', async () => {
  const world = batchWorld();
  await world.run(uploaded(world, 'quiet'));
  expect(world.replica('replica').versions('quiet')).toHaveLength(1);
  expect(world.requests).toEqual([]);
});

test('neither a duplicate, a deleted key nor a second hint for a key is announced', async () => {
  const world = announcing({ deletes: 'replicate' });
  const message = uploaded(world, 'once');
  await world.run(message);
  await world.run(message, queueMessage(s3Event({ key: 'once' }), { messageId: 'another' }));
  const versionId = world.source.remove('once');
  await world.run(
    queueMessage(s3Event({ key: 'once', versionId, name: 'ObjectRemoved:DeleteMarkerCreated' })),
  );
  expect(keysIn(world)).toEqual(['once']);
});

test('an event that the bus refuses becomes a message, which announces it again, and the replica is not written again', async () => {
  const world = announcing();
  world.bus.refuses = ({ object }) => (object.key === 'refused' ? 'event-refused' : null);
  expect(await world.run(uploaded(world, 'taken'), uploaded(world, 'refused'))).toEqual({ failed: [] });
  expect(keysIn(world)).toEqual(['taken']);
  expect(world.kept).toHaveLength(1);
  const kept = queueMessage(world.kept[0] ?? '', { messageId: 'kept' });
  world.calls.length = 0;
  await world.run(kept);
  expect(world.sent).toMatchObject([{ body: kept.body, retry: { reason: 'event-refused', tries: 1 } }]);
  world.bus.refuses = () => null;
  await world.run(kept);
  expect(keysIn(world)).toEqual(['taken', 'refused']);
  expect(world.calls).toEqual([]);
});

test('events that are refused for two minutes go to the dead-letter queue with their reason', async () => {
  const world = announcing();
  world.bus.refuses = () => 'event-refused';
  await world.run(uploaded(world, 'refused'));
  await world.run(queueMessage(world.kept[0] ?? ''));
  const [piece] = world.sent;
  const retry = piece === undefined ? null : { ...piece.retry, firstFailedMs: NOW - 121_000 };
  await world.run(queueMessage(piece?.body ?? '', { retry }));
  expect(world.dead).toMatchObject([{ body: world.kept[0], letter: { reason: 'event-refused' } }]);
});

test.each(['latest', 'all'] as const)(
  'with `versions: %s`, an invocation that dies between a replica and its event leaves the event to the next attempt',
  async (versions) => {
    const world = announcing({ versions });
    const message = uploaded(world, 'dies');
    world.bus.refuses = () => 'throttled';
    world.bus.keeps = false;
    await world.run(message);
    expect(world.replica('replica').versions('dies')).toHaveLength(1);
    expect(announcedIn(world)).toEqual([]);
    world.bus.refuses = () => null;
    await world.run({ ...message, receiveCount: 2 });
    expect(announcedIn(world)).toMatchObject([
      { object: { key: 'dies', 'version-id': world.source.versions('dies')[0]?.id }, proof: 'found' },
    ]);
    expect(world.replica('replica').versions('dies')).toHaveLength(1);
  },
);

test('the replica of an invocation that died is announced, although another hint has replaced it in the meantime', async () => {
  const world = announcing();
  const first = uploaded(world, 'replaced', '1');
  world.bus.refuses = () => 'throttled';
  world.bus.keeps = false;
  await world.run(first);
  world.bus.refuses = () => null;
  await world.run(uploaded(world, 'replaced', '2'));
  expect(world.replica('replica').versions('replaced')).toHaveLength(2);
  await world.run({ ...first, receiveCount: 2 });
  const wanted = world.source.versions('replaced').map(({ id }) => id);
  expect(announcedIn(world).map(({ object }) => object['version-id'])).toEqual(
    expect.arrayContaining(wanted),
  );
});

test('of many versions each is announced, although nothing takes the events of the first attempt', async () => {
  const world = announcing({ versions: 'all' });
  const message = ['1', '2', '3', '4'].map((text) => uploaded(world, 'many', text)).at(-1)!;
  world.bus.keeps = false;
  for (let receiveCount = 1; receiveCount < 8; receiveCount += 1) {
    // The bus accepts events about replicas that an earlier attempt left, and refuses events about those that this attempt writes.
    world.bus.refuses = ({ proof }) => (proof === 'found' ? null : 'throttled');
    await world.run({ ...message, receiveCount });
  }
  const wanted = world.source.versions('many').map(({ id }) => id);
  const got = announcedIn(world).map(({ object }) => object['version-id'] ?? '');
  expect(world.replica('replica').versions('many')).toHaveLength(4);
  expect([...new Set(got)].toSorted()).toEqual(wanted.toSorted());
});

test('a replica from before the message was sent is not announced again', async () => {
  const world = announcing();
  await world.run(uploaded(world, 'old'));
  world.requests.length = 0;
  const later = queueMessage(s3Event({ key: 'old', sequencer: 'later' }), {
    receiveCount: 2,
    sentMs: NOW + 3_600_000,
  });
  await world.run(later);
  expect(announcedIn(world)).toEqual([]);
});

test('our own event in the live queue replicates nothing, so a rule that sends it there makes no loop', async () => {
  const world = announcing();
  await world.run(uploaded(world, 'loop'));
  const [detail] = announcedIn(world);
  world.calls.length = 0;
  await world.run(
    queueMessage(JSON.stringify({ source: 's3-replicator', 'detail-type': 'Object Replicated', detail })),
  );
  expect(world.calls).toEqual([]);
  expect(world.dead).toMatchObject([{ letter: { reason: 'malformed-message' } }]);
});

test('in another S3 service, the replica of an invocation that died is found by a look at its key, without a listing', async () => {
  const service = { endpoint: 'https://minio.example.com', addressing: 'path' as const, secretArn: 'arn' };
  const foreign = {
    ...testDestination(),
    roleArn: null,
    externalId: null,
    service,
    conditionalWrites: 'required' as const,
  };
  const world = announcing({ destinations: [foreign] });
  const message = uploaded(world, 'foreign');
  world.bus.refuses = () => 'throttled';
  world.bus.keeps = false;
  await world.run(message);
  world.bus.refuses = () => null;
  world.calls.length = 0;
  await world.run({ ...message, receiveCount: 2 });
  expect(announcedIn(world)).toMatchObject([{ object: { key: 'foreign' }, proof: 'found' }]);
  expect(world.calls.filter((call) => /history/.test(call))).toEqual([]);
});
