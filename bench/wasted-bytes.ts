/** Measures how many bytes are moved twice when connections are cut and functions are killed. The receiver counts the bytes. */
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import type { TwoAccounts } from '../demo/two-accounts.ts';
import type { Fault } from '@s3-replicator/local-aws';
import type { FaultRule } from '@s3-replicator/local-aws/faults';
import { shorten } from '../tests/e2e/support/stages/transfers.ts';
import type { Artifact } from './artifact.ts';
import { deployArtifact } from './calls.ts';
import { DESTINATION_BUCKET, SOURCE_BUCKET } from './configuration.ts';
import { type Figure, type Section, value } from './figure.ts';
import { follow } from './follow.ts';

const MIB = 1024 ** 2;
const SEED = 11;
const PART_BYTES = 8 * MIB;

interface Scenario {
  what: string;
  /** Returns the faults for an object with this number of parts. */
  rules: (parts: number) => FaultRule[];
}

const KILL: Fault = { kind: 'kill-function', when: 'before' };
const CUT_ANSWER: Fault = { kind: 'truncate', afterBytes: PART_BYTES / 2 };
const CUT_REQUEST: Fault = { kind: 'truncate-request', afterBytes: PART_BYTES / 2 };

const SCENARIOS: Scenario[] = [
  { what: 'undisturbed', rules: () => [] },
  {
    what: 'two GETs and two UploadParts cut in their middle',
    rules: (parts) => {
      const twice = { after: Math.floor(parts / 4), every: Math.floor(parts / 4), times: 2 };
      return [
        { operation: 's3:GetObject', ...twice, fault: CUT_ANSWER },
        { operation: 's3:UploadPart', ...twice, fault: CUT_REQUEST },
      ];
    },
  },
  {
    what: 'function killed once, half of the parts sent',
    rules: (parts) => [{ operation: 's3:UploadPart', after: Math.floor(parts / 2), times: 1, fault: KILL }],
  },
];

/** Measures a transfer, on which many invocations work, and a multipart copy within one invocation. */
export async function* measureWastedBytes(artifact: Artifact, isShort: boolean): AsyncGenerator<Section> {
  await using accounts = await deployArtifact(artifact, { edit: { stack: shorten } });
  accounts.aws.s3.receiveSparse({ bucket: DESTINATION_BUCKET, seed: SEED });
  // In this stack an invocation has only ten seconds, which is not enough for objects of 400 MiB and more, so they become transfers.
  const shapes = [
    { kind: 'Transfer', sizeBytes: (isShort ? 424 : 2_048) * MIB },
    { kind: 'Multipart copy in one invocation', sizeBytes: (isShort ? 64 : 256) * MIB },
  ];
  for (const { kind, sizeBytes } of shapes) {
    for (const [index, { what, rules }] of SCENARIOS.entries()) {
      const parts = Math.ceil(sizeBytes / PART_BYTES);
      yield {
        title: `${kind}, ${sizeBytes / MIB} MiB in ${parts} parts of 8 MiB, ${what}`,
        figures: await measure(accounts, `${kind} ${index}`, sizeBytes, rules(parts)),
      };
    }
  }
}

const measure = async (
  accounts: TwoAccounts,
  key: string,
  sizeBytes: number,
  rules: FaultRule[],
): Promise<Figure[]> => {
  const { aws, destination } = accounts;
  const source = { bucket: SOURCE_BUCKET, key, sizeBytes, seed: SEED, partSizeBytes: PART_BYTES };
  let etag = '';
  const followed = await follow(accounts, () => ({ etag } = aws.s3.createSparseObject(source)), rules);
  const head = new HeadObjectCommand({ Bucket: DESTINATION_BUCKET, Key: key });
  const replica = await destination.s3().send(head);
  if (replica.ETag !== `"${etag}"`) throw new Error(`${key} has another ETag than its source`);
  const calls = (operation: string): number => followed.counts.get(operation) ?? 0;
  const cut = followed.faults('truncate') + followed.faults('truncate-request');
  return [
    value('bytes sent, against those of the object', '×', followed.sentBytes / sizeBytes),
    value('GetObject', 'calls', calls('s3:GetObject')),
    value('UploadPart', 'calls', calls('s3:UploadPart')),
    value('connections cut', 'faults', cut),
    value('functions killed', 'faults', followed.faults('kill-function')),
    value('invocations', 'invocations', followed.invocations),
  ];
};
