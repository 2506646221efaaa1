/**
 * S3 servers that nobody here wrote, as far as they are installed: versitygw (`go install github.com/versity/versitygw/cmd/versitygw@latest`), moto
 * (`pip install 'moto[server]'`), s3rver (`npm install -g s3rver`) and MinIO.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';

export const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER-secret' };

export interface ForeignServer extends AsyncDisposable {
  name: string;
  endpoint: string;
  client: S3Client;
  /** Creates a bucket, which keeps versions if the server has them. */
  createBucket(name: string): Promise<void>;
}

const COMMANDS: Record<string, (port: number, folder: string) => string[]> = {
  versitygw: (port, folder) => {
    for (const name of ['objects', 'versions']) mkdirSync(join(folder, name));
    const { accessKeyId, secretAccessKey } = KEYS;
    const keys = ['--access', accessKeyId, '--secret', secretAccessKey];
    const folders = ['--versioning-dir', join(folder, 'versions'), join(folder, 'objects')];
    return ['versitygw', '--port', `127.0.0.1:${port}`, ...keys, 'posix', ...folders];
  },
  moto: (port) => ['moto_server', '--port', String(port)],
  s3rver: (port, folder) =>
    `s3rver --directory ${folder} --port ${port} --address 127.0.0.1 --allow-mismatched-signatures --no-vhost-buckets`.split(
      ' ',
    ),
  minio: (port, folder) => ['minio', 'server', '--address', `127.0.0.1:${port}`, folder],
};

export const SERVERS = Object.keys(COMMANDS);

/** Resolves to null if the server is not installed. */
export const startForeign = async (name: string): Promise<ForeignServer | null> => {
  const folder = mkdtempSync(join(tmpdir(), `foreign-${name}-`));
  const port = await freePort();
  const [command = '', ...argv] = COMMANDS[name]?.(port, folder) ?? [];
  const child = spawn(command, argv, {
    stdio: 'ignore',
    env: { ...process.env, MINIO_ROOT_USER: KEYS.accessKeyId, MINIO_ROOT_PASSWORD: KEYS.secretAccessKey },
  });
  const isStarted = await once(child, 'spawn').then(
    () => true,
    () => false,
  );
  if (!isStarted) return null;
  const endpoint = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 300 && child.exitCode === null && !(await answers(endpoint)); tries += 1)
    await setTimeout(100);
  const client = new S3Client({ endpoint, credentials: KEYS, region: 'us-east-1', forcePathStyle: true });
  return {
    name,
    endpoint,
    client,
    async createBucket(Bucket) {
      await client.send(new CreateBucketCommand({ Bucket }));
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await client
        .send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
        .catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const answers = async (url: string): Promise<boolean> =>
  await fetch(url).then(
    () => true,
    () => false,
  );

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
};
