/** The example of docs/other-s3.md, as somebody would copy it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';

test('the rules in docs/other-s3.md for MinIO, R2, China and Ceph are a valid replication.yml', () => {
  const text = readFileSync(new URL('../../docs/other-s3.md', import.meta.url), 'utf8');
  const [, block = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  const { replication } = parseConfiguration(block.replaceAll(/^ {3}/gm, ''));
  expect(
    replication.rules.flatMap(({ id, source, destinations }) =>
      destinations.map(({ service }) => [id, source.service?.endpoint, service?.endpoint]),
    ),
  ).toEqual([
    ['documents-to-minio', undefined, 'https://minio.example.com:9000'],
    ['documents-to-r2', undefined, 'https://0123456789abcdef.r2.cloudflarestorage.com'],
    ['documents-to-china', undefined, null],
    ['archive-from-ceph', 'https://ceph.example.com', undefined],
  ]);
});
