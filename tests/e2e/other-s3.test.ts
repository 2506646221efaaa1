/** The packaged functions replicate to another S3 service, which a second local AWS plays. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { DESTINATION_ACCOUNT, startTwoAccounts, type TwoAccounts } from '../../demo/two-accounts.ts';

const STRANGER = '333333333333';
const SECRET = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:other-abcdef';

/** Deploys a rule whose destination is `other`. The key for it is in a secret. */
const startWith = async (other: LocalAws): Promise<TwoAccounts> => {
  const { accessKeyId, secretAccessKey } = other.root(STRANGER);
  return await startTwoAccounts({
    configuration: {
      region: 'eu-central-1',
      rules: [
        {
          id: 'documents',
          source: { bucket: 'documents' },
          deletes: 'replicate',
          destinations: [
            {
              bucket: 'replica',
              region: 'us-east-1',
              endpoint: other.httpEndpoint,
              secretArn: SECRET,
            },
          ],
        },
        {
          id: 'from-elsewhere',
          source: {
            bucket: 'old-archive',
            events: 'none',
            endpoint: other.httpEndpoint,
            region: 'us-east-1',
            secretArn: SECRET,
          },
          destinations: [
            {
              bucket: 'documents-kept',
              region: 'eu-central-1',
              roleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/s3-replicator`,
              externalId: 'documents-kept-2026',
            },
          ],
        },
      ],
    },
    async before({ aws }) {
      aws.secretsmanager.put({
        accountId: '111111111111',
        region: 'eu-central-1',
        name: 'other',
        suffix: 'abcdef',
        text: JSON.stringify({ accessKeyId, secretAccessKey }),
      });
    },
  });
};

test('an object reaches another service after doctor has asked it, and a backfill reads one, with the key in the secret', async () => {
  const other = await startLocalAws();
  try {
    for (const name of ['replica', 'old-archive'])
      other.s3.createBucket({
        name,
        accountId: STRANGER,
        region: 'us-east-1',
        VersioningConfiguration: { Status: 'Enabled' },
      });
    await using accounts = await startWith(other);
    const { aws, source } = accounts;
    await source.s3().send(new PutObjectCommand({ Bucket: 'documents', Key: 'a', Body: 'meow' }));
    const lambda = new LambdaClient(clientConfig(aws, aws.root('111111111111')));
    const answer = await lambda.send(
      new InvokeCommand({
        FunctionName: accounts.names.inspectFunction,
        Payload: JSON.stringify({ inspect: 'probe' }),
      }),
    );
    lambda.destroy();
    const { places } = JSON.parse(Buffer.from(answer.Payload ?? []).toString());
    expect(places[0]).toMatchObject({
      secret: { answer: 'allowed' },
      service: { isVersioned: true, left: [] },
    });
    const stored = new S3Client(
      clientConfig(other, other.root(STRANGER), { tls: false, region: 'us-east-1' }),
    );
    await expect
      .poll(
        async () => {
          try {
            const { Body: body } = await stored.send(new GetObjectCommand({ Bucket: 'replica', Key: 'a' }));
            return await body?.transformToString();
          } catch (error) {
            return error instanceof Error ? error.name : '';
          }
        },
        { timeout: 60_000 },
      )
      .toBe('meow');
    await backfillFromElsewhere(accounts, stored);
    stored.destroy();
  } finally {
    await other.stop();
  }
}, 240_000);

/** Expects that a backfill copies from the other service, and that the verify at its end finds both sides equal. */
const backfillFromElsewhere = async (
  { aws, names, destination }: TwoAccounts,
  at: S3Client,
): Promise<void> => {
  for (const Key of ['one', 'two'])
    await at.send(new PutObjectCommand({ Bucket: 'old-archive', Key, Body: `body of ${Key}` }));
  const backfill = aws.lambda.function(names.backfillFunction);
  const ask = async (payload: object) => JSON.parse((await backfill.run(JSON.stringify(payload))).payload);
  const { runs } = await ask({ action: 'start', kind: 'backfill', rule: 'from-elsewhere' });
  await expect
    .poll(async () => (await ask({ action: 'status', run: runs[0].id })).runs, {
      timeout: 120_000,
      interval: 500,
    })
    .toMatchObject([
      { phase: 'finished', checked: { keys: 2, same: 2, missing: 0 }, copied: { done: 2, failed: 0 } },
    ]);
  const { Body: body } = await destination
    .s3()
    .send(new GetObjectCommand({ Bucket: 'documents-kept', Key: 'two' }));
  expect(await body?.transformToString()).toBe('body of two');
};
