/**
 * The smallest Ceph with an S3 gateway: one monitor, one store in memory. `node tests/foreign/ceph.ts PORT FOLDER ACCESS_KEY SECRET_KEY` runs until
 * it is ended. The monitor listens at the next port, and the store at one of the fifty after the tenth.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
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
osd objectstore = memstore
memstore device bytes = 2147483648
mon data = ${folder}/mon
osd data = ${folder}/osd
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw data = ${folder}
`,
);
const env = { ...process.env, CEPH_CONF: join(folder, 'ceph.conf') };
const run = (command: string, ...argv: string[]): void =>
  void execFileSync(command, argv, { env, stdio: 'ignore' });
const running: ChildProcess[] = [];
const start = (command: string, ...argv: string[]): void => {
  const child = spawn(command, argv, { env, stdio: 'ignore' });
  child.on('exit', end);
  running.push(child);
};
const end = (): void => {
  for (const child of running) child.kill('SIGKILL');
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);

const map = join(folder, 'monmap');
run('monmaptool', '--create', '--addv', 'a', `[${monitor}]`, '--fsid', cluster, map);
run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map);
start('ceph-mon', '-i', 'a', '-f');
const store = randomUUID();
run('ceph', 'osd', 'new', store);
run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', store);
start('ceph-osd', '-i', '0', '-f');
const keys = ['--access-key', accessKey, '--secret-key', secretKey];
run('radosgw-admin', 'user', 'create', '--uid=test', '--display-name=test', ...keys);
start('radosgw', '-f', '-n', 'client.rgw');
await once(process, 'exit');
