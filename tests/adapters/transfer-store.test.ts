/** The table of transfers: the store in DynamoDB and its model in memory behave alike. */
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

const failure = { reason: 'access-denied', detail: 'no' } as const;
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
    startedMs: 1_763_800_000_001,
    run: null,
    byReplicator: null,
    concern: 'content',
    sentMs: null,
    attempt: 0,
    failure: null,
    seen: null,
    fruitless: 0,
    ...fields,
  };
};
const begun = async (store: TransferStore, fields: Partial<Transfer> = {}): Promise<Transfer> => {
  const transfer = newTransfer(fields);
  expect(await store.begin(transfer, null)).toBe(true);
  return transfer;
};

/** The first call of this kind is done, and its answer lost: the SDK asks again. */
const loseFirstAnswer = (operation: string): void => {
  let isLost = false;
  table.aws.faults.plan = (request: AwsRequest) => {
    if (isLost || request.operation !== operation) return undefined;
    isLost = true;
    return { kind: 'reset-after' };
  };
};

describe.each<[string, () => TransferStore]>([
  ['memory', () => createMemoryTransfers().ports().store],
  ['DynamoDB', () => createTransferStore('transfers')],
])('%s', (_name, create) => {
  let store: TransferStore;
  beforeAll(() => {
    store = create();
  });

  describe('a record', () => {
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
        'sized, no part like the one before it',
        {
          kind: 'sized',
          runs: Array.from({ length: 10_000 }, (_, index) => ({ parts: 1, bytes: 5_368_699_120 + index })),
        },
      ],
    ])('is kept as it is, with a layout that is %s', async (_kind, layout) => {
      const transfer = await begun(store, { layout });
      expect(await store.load(transfer.id)).toEqual(transfer);
    });

    test('is not there before it is begun and after it has ended', async () => {
      const transfer = newTransfer();
      expect(await store.load(transfer.id)).toBeNull();
      await store.begin(transfer, null);
      await store.end(transfer);
      expect(await store.load(transfer.id)).toBeNull();
      await store.end(transfer);
    });

    test('is not ended by whoever means another upload', async () => {
      const transfer = await begun(store);
      await store.end({ ...transfer, uploadId: 'another' });
      expect(await store.load(transfer.id)).toEqual(transfer);
    });
  });

  describe('beginning', () => {
    test('is for one of many at once', async () => {
      const all = Array.from({ length: 8 }, (_, index) =>
        newTransfer({ id: 'replica/one', uploadId: `u${index}` }),
      );
      const answers = await Promise.all(all.map((transfer) => store.begin(transfer, null)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await store.load('replica/one')).toEqual(all[answers.indexOf(true)]);
    });

    test('anew replaces the upload that was seen, and no other', async () => {
      const { id, uploadId } = await begun(store);
      const [second, third] = [newTransfer({ id }), newTransfer({ id })];
      expect(await store.begin(second, 'another')).toBe(false);
      expect(await store.begin(second, uploadId)).toBe(true);
      expect(await store.begin(third, uploadId)).toBe(false);
      expect(await store.load(id)).toEqual(second);
    });

    test('anew works too where the record is gone', async () => {
      expect(await store.begin(newTransfer(), 'gone')).toBe(true);
    });
  });

  describe('changing', () => {
    test('sets the fields that are named, null too', async () => {
      const transfer = await begun(store);
      const fields = { sentMs: 5, attempt: 1, failure, seen: { parts: 1, bytes: 2, atMs: 3 }, fruitless: 4 };
      expect(await store.change(transfer, fields)).toBe(true);
      expect(await store.load(transfer.id)).toEqual({ ...transfer, ...fields });
      expect(await store.change(transfer, { failure: null, sentMs: null })).toBe(true);
      expect(await store.load(transfer.id)).toEqual({ ...transfer, ...fields, failure: null, sentMs: null });
    });

    test('is for the upload that is named', async () => {
      const transfer = await begun(store);
      expect(await store.change({ ...transfer, uploadId: 'another' }, { fruitless: 1 })).toBe(false);
      await store.end(transfer);
      expect(await store.change(transfer, { fruitless: 1 })).toBe(false);
      expect(await store.load(transfer.id)).toBeNull();
    });

    test('on condition is for the first of many at once', async () => {
      const transfer = await begun(store, { attempt: 3 });
      const change = () => store.change(transfer, { attempt: 4 }, { attempt: 3, failed: false });
      const answers = await Promise.all(Array.from({ length: 8 }, change));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test('on condition tells failed ones from others', async () => {
      const transfer = await begun(store);
      const healthy = { attempt: 0, failed: false };
      expect(await store.change(transfer, { fruitless: 1 }, { attempt: 0, failed: true })).toBe(false);
      expect(await store.change(transfer, { failure }, healthy)).toBe(true);
      expect(await store.change(transfer, { failure }, healthy)).toBe(false);
      expect(await store.change(transfer, { failure: null }, { attempt: 0, failed: true })).toBe(true);
    });
  });

  test('rates are kept for each bucket and way', async () => {
    expect(await store.rate('rated', 'stream')).toBeNull();
    await store.measured('rated', 'stream', 12.5);
    await store.measured('rated', 'server-side', 200);
    await store.measured('rated', 'stream', 50);
    expect(await store.rate('rated', 'stream')).toBe(50);
    expect(await store.rate('rated', 'server-side')).toBe(200);
    expect(await store.rate('another', 'stream')).toBeNull();
  });
});

describe('DynamoDB', () => {
  let store: TransferStore;
  beforeAll(() => {
    store = createTransferStore('transfers');
  });

  describe('an answer that is lost', () => {
    // The upload would be aborted under the record that names it.
    test('to a beginning is not taken for that of somebody else', async () => {
      loseFirstAnswer('dynamodb:PutItem');
      expect(await store.begin(newTransfer(), null)).toBe(true);
    });

    // Whoever fails a transfer tells a person of it: if nobody believed to have done so, nobody would.
    test('to a change is believed', async () => {
      const transfer = await begun(store);
      loseFirstAnswer('dynamodb:UpdateItem');
      expect(await store.change(transfer, { failure }, { attempt: 0, failed: false })).toBe(true);
    });

    test('to a change that was refused is not', async () => {
      const transfer = await begun(store, { attempt: 2 });
      loseFirstAnswer('dynamodb:UpdateItem');
      expect(await store.change(transfer, { attempt: 1 }, { attempt: 0, failed: false })).toBe(false);
    });
  });

  test('all of them are listed, over many pages, and nothing else', async () => {
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

  test('a table that is refused or gone is tried again: nothing is wrong with the object', async () => {
    const gone = createTransferStore('no-such-table');
    await expect(gone.load('x')).rejects.toMatchObject({ reason: 'service-error' });
    table.aws.faults.plan = () => ({ kind: 'error', status: 400, code: 'AccessDeniedException' });
    await expect(store.load('x')).rejects.toMatchObject({ reason: 'service-error' });
    await expect(store.begin(newTransfer(), null)).rejects.toMatchObject({ reason: 'service-error' });
  });
});
