/** The key of stamps in its table, and the command that prints the public key. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { configWith } from '../../src/cli/config/config.ts';
import { createGetSigner, readPublicKey } from '../../src/lib/aws/dynamodb/stamp-key.ts';
import { isSignature } from '../../src/lib/replica/stamp-signature.ts';
import { run } from '../cli/run.ts';
import { startLocalTable } from './local-table.ts';

let table: Awaited<ReturnType<typeof startLocalTable>>;
beforeAll(async () => {
  table = await startLocalTable('receipts', { id: 'HASH' });
});
afterEach(() => {
  table.aws.faults.plan = undefined;
});
afterAll(() => table.stop());

const printKey = async (...options: string[]) =>
  await run(
    ['config', 'key', ...options],
    {},
    {
      config: configWith({
        readPublicKey: async (_table, region) => await readPublicKey('receipts', region),
        callerAccount: async () => '111111111111',
      }),
    },
  );

const noFailure = (error: unknown): void => {
  throw error;
};

test('a stack without a replica has no key, and the command says when the stack gets one', async () => {
  const { code, err } = await printKey();
  expect(code).toBe(1);
  expect(err).toContain('creates the key with its first replica');
});

test('a table that cannot be read leaves stamps unsigned, is reported once, and is not asked again for a minute', async () => {
  let calls = 0;
  table.aws.faults.plan = () => {
    calls += 1;
    return { kind: 'error', status: 400, code: 'AccessDeniedException' };
  };
  const failures: unknown[] = [];
  const getSigner = createGetSigner('receipts', (error) => failures.push(error));
  expect([await getSigner(), await getSigner()]).toEqual([null, null]);
  expect(failures).toMatchObject([{ reason: 'service-error' }]);
  expect(calls).toBe(1);
});

test('environments that start at once have one key, which each of them reads once, and which the command prints', async () => {
  const calls: string[] = [];
  table.aws.faults.plan = ({ operation }) => {
    calls.push(operation ?? '');
    return undefined;
  };
  const getSigners = Array.from({ length: 5 }, () => createGetSigner('receipts', noFailure));
  const signers = await Promise.all(getSigners.map((getSigner) => getSigner()));
  await Promise.all(getSigners.map((getSigner) => getSigner()));
  const keys = new Set(signers.map((signer) => signer?.publicKey ?? ''));
  expect(keys.size).toBe(1);
  for (const signer of signers) expect(isSignature(signer?.sign('text') ?? '', 'text', [...keys])).toBe(true);
  const later = calls.length;
  await createGetSigner('receipts', noFailure)();
  expect(calls.slice(later)).toEqual(['dynamodb:GetItem']);
  const [key = ''] = keys;
  expect(await printKey()).toMatchObject({ code: 0, out: `${key}\n` });
  expect(JSON.parse((await printKey('--json')).out)).toEqual({ publicKey: key });
});
