/**
 * The table of transfers. Each test runs with the store in DynamoDB and with its model in memory, because
 * both must behave the same.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AwsRequest } from '@s3-replicator/local-aws';
import { createTransferStore } from '../../src/lib/aws/dynamodb/transfer-store.ts';
import type { Transfer, TransferStore } from '../../src/lib/copy/transfer/transfer.ts';
import { createMemoryTransfers } from '../model/memory-transfers.ts';
import { collected } from './collected.ts';
import { startLocalTable } from './local-table.ts';

let table: Awaited<ReturnType<typeof startLocalTable>>;
beforeAll(async () => {
  table = await startLocalTable('transfers', { transfer: 'HASH' });
});
afterEach(() => {
  table.aws.faults.plan = undefined;
});
afterAll(() => table.stop());

const failure = { atMs: 0, reason: 'access-denied', detail: 'no' } as const;
let count = 0;
const newTransfer = (fields: Partial<Transfer> = {}): Transfer => {
  count += 1;
  return {
    id: `replica/key-${count}`,
    uploadId: `upload-${count}`,
    rule: 'rule',
    destination: 'replica',
    bucket: 'source',
    key: `ü 🙂 ${count}`,
    destinationBucket: 'replica',
    replicaKey: `key-${count}`,
    version: {
      versionId: 'v1',
      etag: '"e-2"',
      sizeBytes: 53_687_091_200_000,
      lastModifiedMs: 1_763_800_000_000,
      encryption: null,
      checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'abc=' },
    },
    way: 'server-side',
    layout: { kind: 'numbered', parts: 2 },
    provenBy: 'checksum',
    isLocked: false,
    plansLeft: 1,
    isRefused: false,
    startedMs: 1_763_800_000_001,
    chain: { hops: 1, fruitless: 0, version: 'v1' },
    run: null,
    byReplicator: null,
    concern: 'content',
    sentMs: null,
    attempt: 0,
    failure: null,
    seen: null,
    tried: null,
    fruitless: 0,
    ...fields,
  };
};
const begun = async (store: TransferStore, fields: Partial<Transfer> = {}): Promise<Transfer> => {
  const transfer = newTransfer(fields);
  expect(await store.begin(transfer, null)).toBe(true);
  return transfer;
};

/**
 * Makes the first call of this operation take effect but loses its response, so that the SDK sends the call
 * again.
 */
const loseFirstAnswer = (operation: string): void => {
  let isLost = false;
  table.aws.faults.plan = (request: AwsRequest) => {
    if (isLost || request.operation !== operation) return undefined;
    isLost = true;
    return { kind: 'reset-after' };
  };
};

const STORES: [string, () => TransferStore][] = [
  ['memory', () => createMemoryTransfers().ports().store],
  ['DynamoDB', () => createTransferStore('transfers')],
];

describe.each(STORES)('a transfer in %s', (_name, create) => {
  let store: TransferStore;
  beforeAll(() => {
    store = create();
  });

  test.each<[string, Transfer['layout']]>([
    ['numbered', { kind: 'numbered', parts: 10_000 }],
    ['uniform', { kind: 'uniform', partBytes: 5_368_709_120 }],
    [
      'sized',
      {
        kind: 'sized',
        runs: [
          { parts: 1, bytes: 5_242_880 },
          { parts: 9_999, bytes: 8_388_608 },
        ],
      },
    ],
    [
      'sized, with no two equal parts in a row',
      {
        kind: 'sized',
        runs: Array.from({ length: 10_000 }, (_, index) => ({ parts: 1, bytes: 5_368_699_120 + index })),
      },
    ],
  ])('a stored transfer with a layout that is %s is read unchanged', async (_kind, layout) => {
    const transfer = await begun(store, { layout });
    expect(await store.load(transfer.id)).toEqual(transfer);
  });

  test('a transfer does not exist before its beginning and after its end', async () => {
    const transfer = newTransfer();
    expect(await store.load(transfer.id)).toBeNull();
    await store.begin(transfer, null);
    await store.end(transfer);
    expect(await store.load(transfer.id)).toBeNull();
    await store.end(transfer);
  });

  test('a transfer is not ended by a caller that names another upload', async () => {
    const transfer = await begun(store);
    await store.end({ ...transfer, uploadId: 'another' });
    expect(await store.load(transfer.id)).toEqual(transfer);
  });
});

describe.each(STORES)('the beginning of a transfer in %s', (_name, create) => {
  let store: TransferStore;
  beforeAll(() => {
    store = create();
  });

  test('one of many concurrent beginnings of the same transfer succeeds', async () => {
    const all = Array.from({ length: 8 }, (_, index) =>
      newTransfer({ id: 'replica/one', uploadId: `u${index}` }),
    );
    const answers = await Promise.all(all.map((transfer) => store.begin(transfer, null)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await store.load('replica/one')).toEqual(all[answers.indexOf(true)]);
  });

  test('a new beginning replaces the upload that it names, and no other', async () => {
    const { id, uploadId } = await begun(store);
    const [second, third] = [newTransfer({ id }), newTransfer({ id })];
    expect(await store.begin(second, 'another')).toBe(false);
    expect(await store.begin(second, uploadId)).toBe(true);
    expect(await store.begin(third, uploadId)).toBe(false);
    expect(await store.load(id)).toEqual(second);
  });

  test('a new beginning succeeds even if the record is gone', async () => {
    expect(await store.begin(newTransfer(), 'gone')).toBe(true);
  });
});

describe.each(STORES)('a change of a transfer in %s', (_name, create) => {
  let store: TransferStore;
  beforeAll(() => {
    store = create();
  });

  test('a change sets the given fields, including null', async () => {
    const transfer = await begun(store);
    const fields = {
      sentMs: 5,
      attempt: 1,
      failure,
      seen: { parts: 1, bytes: 2, atMs: 3 },
      tried: 1,
      fruitless: 4,
    };
    expect(await store.change(transfer, fields)).toBe(true);
    expect(await store.load(transfer.id)).toEqual({ ...transfer, ...fields });
    expect(await store.change(transfer, { failure: null, sentMs: null })).toBe(true);
    expect(await store.load(transfer.id)).toEqual({ ...transfer, ...fields, failure: null, sentMs: null });
  });

  test('a change affects only the upload that it names', async () => {
    const transfer = await begun(store);
    expect(await store.change({ ...transfer, uploadId: 'another' }, { fruitless: 1 })).toBe(false);
    await store.end(transfer);
    expect(await store.change(transfer, { fruitless: 1 })).toBe(false);
    expect(await store.load(transfer.id)).toBeNull();
  });

  test('one of many concurrent changes on the same condition succeeds', async () => {
    const transfer = await begun(store, { attempt: 3 });
    const change = () => store.change(transfer, { attempt: 4 }, { attempt: 3, failed: false });
    const answers = await Promise.all(Array.from({ length: 8 }, change));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  test('the condition of a change distinguishes failed transfers from others', async () => {
    const transfer = await begun(store);
    const healthy = { attempt: 0, failed: false };
    expect(await store.change(transfer, { fruitless: 1 }, { attempt: 0, failed: true })).toBe(false);
    expect(await store.change(transfer, { failure }, healthy)).toBe(true);
    expect(await store.change(transfer, { failure }, healthy)).toBe(false);
    expect(await store.change(transfer, { failure: null }, { attempt: 0, failed: true })).toBe(true);
  });
});

describe.each(STORES)('measured rates in %s', (_name, create) => {
  let store: TransferStore;
  beforeAll(() => {
    store = create();
  });

  test('measured rates are kept for each bucket and way', async () => {
    expect(await store.rate('rated', 'stream')).toBeNull();
    await store.measured('rated', 'stream', 12.5);
    await store.measured('rated', 'server-side', 200);
    await store.measured('rated', 'stream', 50);
    expect(await store.rate('rated', 'stream')).toBe(50);
    expect(await store.rate('rated', 'server-side')).toBe(200);
    expect(await store.rate('another', 'stream')).toBeNull();
  });
});

describe('the store in DynamoDB', () => {
  let store: TransferStore;
  beforeAll(() => {
    store = createTransferStore('transfers');
  });

  // If the caller believed that another one had begun the transfer, it would abort its upload, although the
  // record names that upload.
  test('a beginning whose first answer was lost counts as our own', async () => {
    loseFirstAnswer('dynamodb:PutItem');
    expect(await store.begin(newTransfer(), null)).toBe(true);
  });

  // The caller that marks a transfer as failed also reports the failure. If that caller believed that another
  // one had marked the transfer, nobody would report the failure.
  test('a change whose first answer was lost counts as made', async () => {
    const transfer = await begun(store);
    loseFirstAnswer('dynamodb:UpdateItem');
    expect(await store.change(transfer, { failure }, { attempt: 0, failed: false })).toBe(true);
  });

  test('a refused change whose first answer was lost counts as refused', async () => {
    const transfer = await begun(store, { attempt: 2 });
    loseFirstAnswer('dynamodb:UpdateItem');
    expect(await store.change(transfer, { attempt: 1 }, { attempt: 0, failed: false })).toBe(false);
  });

  test('a listing of all transfers covers many pages and contains only transfers', async () => {
    const layout = {
      kind: 'sized' as const,
      runs: Array.from({ length: 10_000 }, (_, index) => ({ parts: 1, bytes: 5_368_699_120 + index })),
    };
    const before = (await collected(store.all())).length;
    const made = await Promise.all(Array.from({ length: 8 }, () => begun(store, { layout })));
    await store.measured('replica', 'stream', 1);
    const listed = await collected(store.all());
    expect(listed).toHaveLength(before + made.length);
    expect(listed).toEqual(expect.arrayContaining(made));
  });

  test('a denied or missing table is retried, because nothing is wrong with the object', async () => {
    const gone = createTransferStore('no-such-table');
    await expect(gone.load('x')).rejects.toMatchObject({ reason: 'service-error' });
    table.aws.faults.plan = () => ({ kind: 'error', status: 400, code: 'AccessDeniedException' });
    await expect(store.load('x')).rejects.toMatchObject({ reason: 'service-error' });
    await expect(store.begin(newTransfer(), null)).rejects.toMatchObject({ reason: 'service-error' });
  });
});
