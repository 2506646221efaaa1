/**
 * Counts the listings of new keys with `versions: all` while many keys arrive at once. The hints of a batch share a listing if their keys
 * are neighbours.
 */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { TwoAccounts } from '../demo/two-accounts.ts';
import { mapConcurrently } from '../src/lib/model/concurrency.ts';
import { countDuring } from './call-counts.ts';
import { HISTORY_SOURCE_BUCKET } from './configuration.ts';
import { type Section, value } from './figure.ts';
import { randomOf } from './listing-keys.ts';

const BODY = Buffer.alloc(1_024, 'x');
const UPLOADS_AT_ONCE = 16;

export const measureNeighbours = async (accounts: TwoAccounts, isShort: boolean): Promise<Section> => {
  const count = isShort ? 100 : 500;
  const random = randomOf(count);
  const orders = [
    {
      name: 'keys in the order of time',
      keyOf: (at: number) => `log/2026-11-30T12:${String(at).padStart(5, '0')}`,
      aim: '≤ 0.2',
    },
    {
      name: 'keys at random, in folders of their own',
      keyOf: () => `${random().toString(36).slice(2)}/part`,
      aim: '≤ 1.05',
    },
  ];
  const figures = [];
  for (const { name, keyOf, aim } of orders) {
    const keys = Array.from({ length: count }, (_, at) => keyOf(at));
    const counts = await countDuring(accounts, async () => {
      await mapConcurrently(keys, UPLOADS_AT_ONCE, async (Key) => {
        await accounts.source
          .s3()
          .send(new PutObjectCommand({ Bucket: HISTORY_SOURCE_BUCKET, Key, Body: BODY }));
      });
    });
    figures.push(
      value(
        `${name}: ListObjectVersions`,
        'calls/object',
        (counts.get('s3:ListObjectVersions') ?? 0) / count,
        aim,
      ),
    );
  }
  return {
    title: `${count.toLocaleString('en-US')} new keys, ${UPLOADS_AT_ONCE} uploads at a time, versions: all`,
    figures,
  };
};
