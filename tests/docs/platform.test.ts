/** Compares docs/platform.md with the code that it describes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { file, rule } from '../configuration/yaml.ts';
import { CONFIGURATIONS } from '../stack/ten-configurations.ts';
import { list, ofType, roleStatements } from '../stack/statements.ts';
import { documentedPolicy } from './documented-policy.ts';

/** Returns the AWS clients that a source file imports, directly or through other files. Types are left out, because bundles have none. */
const clientsOf = (path: string, seen = new Set<string>()): Set<string> => {
  const found = new Set<string>();
  if (seen.has(path)) return found;
  seen.add(path);
  const text = readFileSync(path, 'utf8');
  // Some services are called without a client.
  for (const [, service = ''] of text.matchAll(/callJson\(\{\s*service: '(\w+)'/g)) found.add(service);
  const imports = text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';|import\('([^']+)'\)/gms);
  for (const [, statically, name = statically ?? ''] of imports) {
    const [, client] = /^@aws-sdk\/client-(\w+)/.exec(name) ?? [];
    if (client !== undefined) found.add(client);
    const target = join(dirname(path), name);
    if (name.startsWith('.') && existsSync(target))
      for (const each of clientsOf(target, seen)) found.add(each);
  }
  return found;
};

test('the table of endpoints has exactly the services that the functions call', () => {
  const services = new Set(
    readdirSync('src/handlers').flatMap((name) => [...clientsOf(join('src/handlers', name))]),
  );
  const rows = [...readFileSync('docs/platform.md', 'utf8').matchAll(/`com\.amazonaws\.<region>\.(\w+)`/g)];
  expect([...services].toSorted()).toEqual(rows.map(([, service]) => service).toSorted());
});

test('the boundary allows every action that a role of the stack is allowed', () => {
  const allowed = [documentedPolicy('boundary').Statement]
    .flat()
    .flatMap(({ Action }) => list<string>(Action));
  const patterns = allowed.map((action) => new RegExp(`^${action.replaceAll('*', '.*')}$`));
  const texts = [...Object.values(CONFIGURATIONS).map(({ text }) => text), OTHER_SERVICE];
  const used = texts.flatMap(actionsOf);
  expect(used.length).toBeGreaterThan(100);
  expect(used.filter((action) => !patterns.some((pattern) => pattern.test(action)))).toEqual([]);
  const unused = allowed.filter((_, index) => !used.some((action) => patterns[index]?.test(action)));
  expect(unused).toEqual([]);
});

const OTHER_SERVICE = file([
  rule('other', { bucket: 'source-bucket' }, [
    {
      bucket: 'replica-bucket',
      region: 'us-east-1',
      endpoint: 'https://minio.example.com',
      secretArn: 'arn:aws:secretsmanager:us-east-1:111111111111:secret:minio-AbCdEf',
    },
  ]),
]);

const actionsOf = (text: string): string[] => {
  const template = JSON.parse(JSON.stringify(stackOf(parseConfiguration(text)).resources));
  return ofType(template, 'AWS::IAM::Role')
    .flatMap(([id]) => roleStatements(template, id))
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action }) => list<string>(Action));
};
