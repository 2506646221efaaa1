/**
 * Runs the commands of docs/recovery.md against the local AWS. The AWS CLI takes seconds, so this runs in the soak only, and needs the AWS
 * CLI and jq: `RECOVERY_GUIDE=run npx vitest run tests/docs/recovery.test.ts`
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { clientConfig, startLocalAws } from '@s3-replicator/local-aws';

const run = promisify(execFile);

/** The commands of the guide up to the restore, with other values for the names in capital letters. */
const script = async (values: Record<string, string>): Promise<string> => {
  const guide = await readFile('docs/recovery.md', 'utf8');
  const blocks = [...guide.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
  return blocks
    .slice(0, -1)
    .join('')
    .replace(/^([A-Z]+)=.*$/gm, (line, name: string) =>
      values[name] === undefined ? line : `${name}=${values[name]}`,
    );
};

test.runIf(process.env['RECOVERY_GUIDE'] === 'run')(
  'the commands of the recovery guide restore what an attacker has overwritten and deleted',
  async () => {
    const aws = await startLocalAws({ region: 'us-east-1' });
    const directory = await mkdtemp(join(tmpdir(), 's3-replicator-recovery-'));
    try {
      for (const name of ['replicas', 'restored'])
        aws.s3.createBucket({
          name,
          accountId: '222222222222',
          region: 'us-east-1',
          VersioningConfiguration: { Status: 'Enabled' },
        });
      const owner = aws.root('222222222222');
      const s3 = new S3Client(clientConfig(aws, owner, { tls: false }));
      const put = (Key: string, Body: string) =>
        s3.send(new PutObjectCommand({ Bucket: 'replicas', Key, Body }));
      const remove = (Key: string) => s3.send(new DeleteObjectCommand({ Bucket: 'replicas', Key }));
      await put('a/ü b+c', 'older');
      await put('a/ü b+c', 'good');
      await put('deleted', 'good');
      await put('untouched', 'good');
      await put('gone before', 'old');
      // Listings by the AWS CLI show times in whole seconds, so the delete must come in a later second.
      await setTimeout(1_000);
      await remove('gone before');
      // The moment is in whole seconds, so the test waits. It cannot move the clock, because the AWS CLI signs with the time of this
      // machine.
      await setTimeout(2_000);
      const moment = new Date(aws.clock.now()).toISOString().slice(0, 19);
      await put('a/ü b+c', 'encrypted');
      await put('planted', 'ransom note');
      await put('gone before', 'planted');
      await remove('deleted');

      const values = { BUCKET: 'replicas', RESTORED: 'restored', MOMENT: moment };
      await run('bash', ['-euo', 'pipefail', '-c', await script(values)], {
        cwd: directory,
        env: {
          ...process.env,
          AWS_ENDPOINT_URL: aws.httpEndpoint,
          AWS_ACCESS_KEY_ID: owner.accessKeyId,
          AWS_SECRET_ACCESS_KEY: owner.secretAccessKey,
          AWS_SESSION_TOKEN: owner.sessionToken ?? '',
          AWS_DEFAULT_REGION: 'us-east-1',
        },
      });
      const changed = JSON.parse(await readFile(join(directory, 'changed.json'), 'utf8'));
      expect(changed.written.map(([key]: string[]) => key)).toEqual(['a/ü b+c', 'gone before', 'planted']);
      expect(changed.deleted.map(([key]: string[]) => key)).toEqual(['deleted']);
      const restored = async (Key: string) =>
        await (await s3.send(new GetObjectCommand({ Bucket: 'restored', Key }))).Body?.transformToString();
      expect([await restored('a/ü b+c'), await restored('deleted')]).toEqual(['good', 'good']);
      for (const key of ['untouched', 'planted', 'gone before'])
        await expect(restored(key)).rejects.toThrow('does not exist');
    } finally {
      await aws.stop();
      await rm(directory, { recursive: true });
    }
  },
);
