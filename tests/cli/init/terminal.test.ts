/** `init` in a real pseudo-terminal. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withoutAws } from '../../../demo/serverless.ts';
import { parseConfiguration } from '../../../src/lib/configuration/configuration.ts';
import { type Conversation, converse, HAS_PSEUDO_TERMINAL, KEYS } from '../pseudo-terminal.ts';
import { ROOT } from '../run.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-init-'));
});
afterEach(() => rm(cwd, { recursive: true }));

/** Nobody is signed in, and no file of the user says otherwise. */
const init = (...options: string[]): Conversation =>
  converse(`exec ${process.execPath} ${ROOT}bin/s3-replicator.mjs init ${options.join(' ')}`, {
    cwd,
    env: { ...withoutAws(process.env), HOME: cwd, AWS_EC2_METADATA_DISABLED: 'true' },
  });

describe.skipIf(!HAS_PSEUDO_TERMINAL)('in a terminal', () => {
  test('init asks, checks each answer, and writes what was chosen', async () => {
    const terminal = init('--region', 'eu-west-1', '--alarm-email', 'none', '--name', 'acme');
    const answer = async (question: string, keys: string): Promise<void> => {
      await terminal.shows(question);
      terminal.type(`${keys}${KEYS.enter}`);
    };
    await answer('Which bucket is replicated?', 'NO');
    await answer('takes the name of a bucket', '\u007f\u007facme-documents');
    await answer('Which objects?', 'in/');
    await answer('Which account receives', '222222222222');
    await answer('Which bucket receives', '');
    await answer('Which region is that bucket in?', '');
    await answer('Is that bucket to be created?', '');
    await answer('Which versions', '');
    await answer('What happens to deletes?', KEYS.down);
    await answer('How are replicas protected?', KEYS.down);
    await answer('Which KMS key are the source', '');
    await answer('Which KMS key encrypts', '');
    await terminal.shows('npx serverless deploy');
    expect(await terminal.end).toBe(0);
    const result = terminal.shown().slice(terminal.shown().indexOf('Written:'));
    expect(Math.max(...result.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    const { replication, deployment } = parseConfiguration(
      await readFile(join(cwd, 'replication.yml'), 'utf8'),
    );
    expect(deployment).toEqual({ name: 'acme', stage: 'prod', region: 'eu-west-1' });
    expect(replication.rules).toMatchObject([
      {
        source: { bucket: 'acme-documents', prefix: 'in/' },
        destinations: [{ bucket: 'acme-documents-replica', region: 'eu-west-1', objectLock: 'replicate' }],
        versions: 'all',
        deletes: 'replicate',
      },
    ]);
  });

  test('Ctrl-C at a question leaves nothing behind', async () => {
    const terminal = init('--source', 'acme-documents', '--region', 'eu-west-1');
    await terminal.shows('Which objects?');
    terminal.type(`in/${KEYS.enter}`);
    await terminal.shows('Which account receives');
    terminal.type(KEYS.ctrlC);
    expect(await terminal.end).toBe(130);
    expect(await readdir(cwd)).toEqual([]);
  });
});
