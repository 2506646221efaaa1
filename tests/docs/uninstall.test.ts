/** Compares what docs/uninstall.md says about the resources that stay with the templates. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseTemplate } from '@s3-replicator/local-aws/template';
import { generatedTemplate } from '../stack/sample-stack.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/uninstall.md');
/** The first two cells of each row. */
const rows = [...page.matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|/gm)].map(([, what = '', after = '']) => ({
  what,
  after,
}));
const kept = rows.filter(({ after }) => after.startsWith('stay'));

test('docs/uninstall.md lists each resource that outlives the stack of the source account, and no other table or queue', () => {
  const outliving = Object.values(generatedTemplate().Resources).filter((each) => 'DeletionPolicy' in each);
  const names = outliving.map(({ Properties }) =>
    String(Properties?.['TableName'] ?? Properties?.['QueueName']).replace('acme-replication-test', ''),
  );
  const listed = kept.flatMap(({ what }) => /`s3-replicator-prod(-[\w-]+)`/.exec(what)?.[1] ?? []);
  expect(listed.toSorted()).toEqual(names.toSorted());
});

test('docs/uninstall.md says that the destination bucket and its policy stay, and the template of the destination keeps nothing else', () => {
  const { Resources } = parseTemplate(read('destination/template.yml'));
  const outliving = Object.entries(Resources).filter(([, each]) => 'DeletionPolicy' in each);
  expect(outliving.map(([name]) => name).toSorted()).toEqual(['Bucket', 'BucketPolicy']);
  expect(kept.map(({ what }) => what)).toContain('destination bucket, its policy and all replicas');
});

test('log groups belong to the stack, so they go with it', () => {
  const types = Object.values(generatedTemplate().Resources).map(({ Type }) => Type);
  expect(types.filter((type) => type === 'AWS::Logs::LogGroup')).toHaveLength(
    types.filter((type) => type === 'AWS::Lambda::Function').length,
  );
  expect(rows).toContainEqual({ what: 'log groups', after: 'gone, with their lines' });
});
