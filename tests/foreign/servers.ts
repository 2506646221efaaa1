/** S3 servers that nobody here wrote, as far as they are installed: on the PATH, or by `node tests/foreign/install.ts`. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SDK_LOGGER } from '../../src/lib/aws/sdk-logger.ts';
import { FOREIGN } from './folder.ts';

export const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER-secret' };

export interface ForeignServer extends AsyncDisposable {
  endpoint: string;
  client: S3Client;
  /** Creates a bucket. It keeps versions if the server supports that and `isPlain` is not set. */
  createBucket(name: string, isPlain?: boolean): Promise<void>;
}

/** How a server is started on a port of the loopback address. */
interface Launch {
  command(port: number, folder: string): string[];
  /** A line of shell that prints the version among other text. */
  version: string;
  /** The server does not check every condition, so only the weaker form of the tests is played against it. */
  isWeak?: true;
  /** The server checks every condition except those of deletes. */
  ignoresConditionsOfDeletes?: true;
  /** The server does not list all keys in the order of S3. */
  isUnordered?: true;
  /** The server's listings of buckets with versions leave out keys, so its buckets keep no versions. */
  isPlain?: true;
}

const installed = ['bin', 'venv/bin', 'node_modules/.bin'].map((each) => join(FOREIGN, each));
const ENVIRONMENT = { ...process.env, PATH: [...installed, process.env['PATH']].join(delimiter) };

const { accessKeyId: ACCESS, secretAccessKey: SECRET } = KEYS;

/** The Go toolchain reads the version of its module from a program. */
const moduleVersion = (program: string, line = 'mod'): string =>
  `go version -m $(command -v ${program}) | grep -w ${line}`;

const LAUNCHES: Record<string, Launch> = {
  versitygw: {
    command(port, folder) {
      for (const name of ['objects', 'versions']) mkdirSync(join(folder, name));
      const folders = ['--versioning-dir', join(folder, 'versions'), join(folder, 'objects')];
      const options = ['--port', `127.0.0.1:${port}`, '--access', ACCESS, '--secret', SECRET];
      return ['versitygw', ...options, 'posix', ...folders];
    },
    version: moduleVersion('versitygw'),
  },
  moto: {
    command: (port) => ['moto_server', '--port', String(port)],
    version: 'pip list | grep -w moto',
    isWeak: true,
  },
  s3rver: {
    command: (port, folder) =>
      `s3rver --directory ${folder} --port ${port} --address 127.0.0.1 --allow-mismatched-signatures --no-vhost-buckets`.split(
        ' ',
      ),
    version: 's3rver --version',
    isWeak: true,
    isUnordered: true,
  },
  minio: {
    command: (port, folder) => ['minio', 'server', '--address', `127.0.0.1:${port}`, folder],
    version: moduleVersion('minio'),
    ignoresConditionsOfDeletes: true,
  },
  ceph: {
    command: (port, folder) =>
      existsSync('/usr/bin/radosgw')
        ? [process.execPath, join(import.meta.dirname, 'ceph.ts'), String(port), folder, ACCESS, SECRET]
        : [],
    version: 'radosgw --version',
    isWeak: true,
  },
  s3proxy: {
    command(port, folder) {
      const classes = join(FOREIGN, 's3proxy');
      if (!existsSync(classes)) return [];
      const settings = {
        's3proxy.endpoint': `http://127.0.0.1:${port}`,
        's3proxy.authorization': 'aws-v2-or-v4',
        's3proxy.identity': ACCESS,
        's3proxy.credential': SECRET,
        'jclouds.provider': 'filesystem-nio2',
        'jclouds.filesystem.basedir': folder,
      };
      const file = join(folder, 's3proxy.properties');
      writeFileSync(
        file,
        Object.entries(settings)
          .map((each) => each.join('='))
          .join('\n'),
      );
      return ['java', '-cp', join(classes, '*'), 'org.gaul.s3proxy.Main', '--properties', file];
    },
    version: `ls ${join(FOREIGN, 's3proxy')} | grep ^s3proxy-`,
    isWeak: true,
    isUnordered: true,
  },
  ministack: { command: () => ['ministack'], version: 'pip list | grep -w ministack' },
  seaweedfs: {
    command(port, folder) {
      const credentials = [{ accessKey: ACCESS, secretKey: SECRET }];
      const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging'];
      const file = join(folder, 'identities.json');
      writeFileSync(file, JSON.stringify({ identities: [{ name: 'test', credentials, actions }] }));
      const ports = {
        's3.port': port,
        'master.port': port + 1,
        'volume.port': port + 2,
        'filer.port': port + 3,
      };
      // Each bucket takes several volumes.
      const sizes = ['-master.volumeSizeLimitMB=64', '-volume.max=1000'];
      return [
        'weed',
        'server',
        `-dir=${folder}`,
        '-ip=127.0.0.1',
        '-ip.bind=127.0.0.1',
        '-filer',
        '-s3',
        `-s3.config=${file}`,
        ...Object.entries(ports).map(([name, value]) => `-${name}=${value}`),
        ...sizes,
      ];
    },
    version: moduleVersion('weed', 'seaweedfs/seaweedfs'),
    isPlain: true,
  },
  gofakes3: {
    command: (port) => ['gofakes3', '-backend', 'memory', '-host', `127.0.0.1:${port}`],
    version: moduleVersion('gofakes3'),
    isWeak: true,
  },
};

export const SERVERS = Object.keys(LAUNCHES);

/** Returns the version of an installed server. */
export const versionOf = (name: string): string => {
  const { stdout } = spawnSync('sh', ['-c', LAUNCHES[name]?.version ?? ''], {
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  return /\d+\.\d+\.\d+(?:-\d+)?/.exec(stdout)?.[0] ?? 'of unknown version';
};

export const isUnordered = (name: string): boolean => LAUNCHES[name]?.isUnordered === true;

export const isWeak = (name: string): boolean => LAUNCHES[name]?.isWeak === true;

export const ignoresConditionsOfDeletes = (name: string): boolean =>
  LAUNCHES[name]?.ignoresConditionsOfDeletes === true;

/** Resolves to null if the server is not installed. A server that does not start is tried once more, on other ports. */
export const startForeign = async (name: string): Promise<ForeignServer | null> => {
  try {
    return await start(name);
  } catch (error) {
    console.log(`${String(error)}. It is tried once more`);
    return await start(name);
  }
};

const start = async (name: string): Promise<ForeignServer | null> => {
  const folder = mkdtempSync(join(tmpdir(), `foreign-${name}-`));
  const port = await freePort();
  const [command, ...argv] = LAUNCHES[name]?.command(port, folder) ?? [];
  if (command === undefined) return null;
  // The script of Ceph ends when its standard input does, even if this process is killed.
  const child = spawn(command, argv, {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: {
      ...ENVIRONMENT,
      MINIO_ROOT_USER: ACCESS,
      MINIO_ROOT_PASSWORD: SECRET,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
    },
  });
  const isSpawned = await once(child, 'spawn').then(
    () => true,
    () => false,
  );
  if (!isSpawned) return null;
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said = `${said}${part.toString()}`.slice(-1000)));
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint,
    credentials: KEYS,
    region: 'us-east-1',
    forcePathStyle: true,
    logger: SDK_LOGGER,
  });
  const stop = async (): Promise<void> => {
    client.destroy();
    // s3rver waits for its connections to end. Only the script of Ceph has others to end.
    child.kill(name === 'ceph' ? 'SIGTERM' : 'SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  let isReady = false;
  for (let tries = 0; tries < 1200 && child.exitCode === null && !isReady; tries += 1) {
    isReady = await answers(client);
    if (!isReady) await setTimeout(100);
  }
  if (!isReady) {
    const how = child.exitCode === null ? 'does not answer' : `ended with ${child.exitCode}`;
    await stop();
    throw new Error(`${name} ${how}: ${said.trim()}`);
  }
  return {
    endpoint,
    client,
    async createBucket(Bucket, isPlain = LAUNCHES[name]?.isPlain) {
      await client.send(new CreateBucketCommand({ Bucket }));
      if (isPlain === true) return;
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await client
        .send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
        .catch(() => undefined);
    },
    [Symbol.asyncDispose]: stop,
  };
};

/** A server may answer before it has everything that it needs. */
const answers = async (client: S3Client): Promise<boolean> =>
  await client.send(new ListBucketsCommand({}), { abortSignal: AbortSignal.timeout(10_000) }).then(
    () => true,
    () => false,
  );

/** How many ports in a row a server may use. */
const IN_A_ROW = 4;

/** Resolves to the first of some free ports in a row. They lie below those that the system gives to outgoing connections. */
const freePort = async (): Promise<number> => {
  const first = 10_000 + Math.floor(Math.random() * 20_000);
  const ports = Array.from({ length: IN_A_ROW }, (_, index) => first + index);
  return (await Promise.all(ports.map(isFree))).every(Boolean) ? first : await freePort();
};

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
};
