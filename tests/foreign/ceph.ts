/**
 * The smallest Ceph with an S3 gateway: one monitor, one store in memory. `node tests/foreign/ceph.ts PORT FOLDER ACCESS_KEY SECRET_KEY`
 * runs until it is ended or its standard input is closed. If one of the processes that it started fails, or a command takes too long, it
 * ends all of them and fails. The monitor listens at the next port, and the store at one of the fifty after the tenth.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [first = '', folder = '', accessKey = '', secretKey = ''] = process.argv.slice(2);
const port = Number(first);
const monitor = `v1:127.0.0.1:${port + 1}`;
const cluster = randomUUID();

for (const name of ['mon', 'osd', 'run']) mkdirSync(join(folder, name), { recursive: true });
writeFileSync(
  join(folder, 'ceph.conf'),
  `[global]
fsid = ${cluster}
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
log file = ${folder}/$name.log
auth cluster required = none
auth service required = none
auth client required = none
mon host = ${monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind port min = ${port + 10}
ms bind port max = ${port + 60}
mon allow pool size one = true
mon data avail crit = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd crush chooseleaf type = 0
# A store that tells its place itself may be refused as one of another cluster, and ends.
osd crush update on start = false
osd class update on start = false
osd objectstore = memstore
memstore device bytes = 2147483648
mon data = ${folder}/mon
osd data = ${folder}/osd
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw data = ${folder}
`,
);
const env = { ...process.env, CEPH_CONF: join(folder, 'ceph.conf') };
/** Every process that this one has started and that may still run. */
const running = new Set<ChildProcess>();

const end = (status: number): never => {
  for (const child of running) child.kill('SIGKILL');
  process.exit(status);
};
const fail = (reason: string): never => {
  console.error(reason);
  return end(1);
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(0));
// The process that started this one holds the other end of the input. If the input ends, that process is gone.
process.stdin.on('end', () => end(0)).resume();

/** Starts a command. When it ends, `ended` receives how it ended, with the last text that it wrote to standard error. */
const spawned = (command: string, argv: string[], ended: (how: string, isDone: boolean) => void): void => {
  const child = spawn(command, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said = `${said}${part.toString()}`.slice(-1000)));
  child.on('error', ({ message }) => fail(message));
  child.on('close', (code, signal) => {
    running.delete(child);
    ended(`${command} ended with ${signal ?? code}: ${said.trim()}`, code === 0);
  });
};
const start = (command: string, ...argv: string[]): void => spawned(command, argv, fail);

/** Maximum time of a command. Without a limit, commands would wait for ever for a monitor or a store that is gone. */
const LIMIT_MS = 60_000;
const run = async (command: string, ...argv: string[]): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const what = [command, ...argv].slice(0, 4).join(' ');
  const limit = setTimeout(() => fail(`${what} has not ended within ${LIMIT_MS / 1000} s`), LIMIT_MS);
  spawned(command, argv, (how, isDone) => (isDone ? resolve() : fail(how)));
  await promise;
  clearTimeout(limit);
};

const map = join(folder, 'monmap');
await run('monmaptool', '--create', '--addv', 'a', `[${monitor}]`, '--fsid', cluster, map);
await run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map);
start('ceph-mon', '-i', 'a', '-f');
const store = randomUUID();
await run('ceph', 'osd', 'new', store);
await run('ceph', 'osd', 'crush', 'add', '0', '1', 'root=default', 'host=here');
await run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', store);
start('ceph-osd', '-i', '0', '-f');
const keys = ['--access-key', accessKey, '--secret-key', secretKey];
await run('radosgw-admin', 'user', 'create', '--uid=test', '--display-name=test', ...keys);
start('radosgw', '-f', '-n', 'client.rgw');
