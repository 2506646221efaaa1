/**
 * Prints what the probe finds out about servers that nobody here wrote, as rows of the table of docs/other-s3.md. Only the soak plays this.
 */
import { expect, test } from 'vitest';
import { probeService } from '../../src/lib/aws/s3/probe/probe-service.ts';
import type { ServiceDestination } from '../../src/lib/model/rule.ts';
import {
  adviceFor,
  lackOf,
  type Question,
  type ServiceAnswers,
} from '../../src/lib/model/service-answers.ts';
import { PLAYS_ALL } from '../e2e/support/seed.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { isWeak, SERVERS, startForeign, versionOf } from './servers.ts';

const SERVICE: ServiceDestination = {
  ...testDestination(),
  roleArn: null,
  externalId: null,
  account: null,
  service: { endpoint: 'https://s3.example.com', addressing: 'path', secretArn: 'arn' },
  conditionalWrites: 'required',
};
const RULE = testRule({ deletes: 'replicate', versions: 'all', tags: 'replicate' });

const WRITES = {
  creates: 'create',
  refusesStale: 'stale',
  replaces: 'replace',
  completes: 'complete',
  deletes: 'delete',
};
const BYTES = { checksums: 'CRC32', md5: 'MD5', stored: 'stored', trailers: 'trailers' };

/** Returns what the server does not do, by these short names. */
const missing = ({ answers }: ServiceAnswers, names: Partial<Record<Question, string>>): string =>
  Object.entries(names)
    .filter(([question]) => answers[question as Question] !== 'yes')
    .map(([, name]) => name)
    .join(', ') || '–';

const row = (name: string, asked: ServiceAnswers): string => {
  const { answers, isVersioned } = asked;
  const ofVersions = (answer: string): string => (isVersioned ? answer : 'no versions');
  const lacking = lackOf(asked, RULE, SERVICE);
  const cells = [
    `${name} ${versionOf(name)}`,
    missing(asked, WRITES),
    missing(asked, BYTES),
    answers.tags,
    ofVersions(answers.createsOverMarkers),
    ofVersions(answers.order),
    answers.pages,
    adviceFor(lacking) || (lacking.length === 0 ? '–' : 'not possible'),
  ];
  return `| ${cells.join(' | ')} |`;
};

test.skipIf(!PLAYS_ALL).each(SERVERS)(
  'the probe of %s leaves nothing behind, and finds out whether conditions are checked',
  async (name) => {
    await using server = await startForeign(name);
    if (server === null) return console.log(`skipped: ${name} is not installed`);
    await server.createBucket('asked');
    const asked = await probeService(server.client, { bucket: 'asked', prefix: 'in/', nowMs: 0 });
    console.log(row(name, asked));
    expect(asked.left).toEqual([]);
    const latest = { ...RULE, deletes: 'ignore', versions: 'latest', tags: 'ignore' } as const;
    expect(lackOf(asked, latest, SERVICE).length > 0).toBe(isWeak(name));
  },
  120_000,
);
