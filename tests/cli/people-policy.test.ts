import { expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { COMMAND_ROWS, needsOf } from '../../src/stack/command-rows.ts';
import { policyOfNeeds } from '../../src/stack/people-policy.ts';
import { fileWith } from '../configuration/yaml.ts';
import { run } from './run.ts';

const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111';

interface Policy {
  Statement: { Sid: string; Action: string[]; Resource: string | string[]; Condition?: object }[];
}

const policyFor = async (...options: string[]): Promise<Policy> => {
  const { code, out, err } = await run(['config', 'policy', '--source-account', '111111111111', ...options]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
};

const grantsIn = ({ Statement }: Policy): string[] =>
  Statement.flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => [Resource].flat().map((resource) => `${action} on ${resource}`)),
  );

test('every command has a row, which says what it asks of AWS', () => {
  expect(Object.keys(COMMAND_ROWS).toSorted()).toEqual(ALL_COMMANDS.map(({ name }) => name).toSorted());
});

test('the policies name the stack of the stage and region in this account, and no other resource', async () => {
  const policy = await policyFor('--operator', '--stage', 'test', '--region', 'eu-west-1');
  const foreign = grantsIn(policy).filter(
    (grant) =>
      !/:eu-west-1:111111111111:.*s3-replicator-test/.test(grant) &&
      !/:iam::111111111111:(role|policy)\/s3-replicator-test-/.test(grant),
  );
  expect(
    foreign.map((grant) => grant.replace(/ on arn:aws:s3:::acme-(documents|media)$/, ' on a source')),
  ).toEqual(expect.not.arrayContaining([expect.stringContaining('dynamodb')]));
  expect([...new Set(foreign.map((grant) => grant.split(' on ')[1]))].toSorted()).toEqual([
    '*',
    'arn:aws:lambda:eu-west-1:111111111111:event-source-mapping:*',
    'arn:aws:s3:::acme-documents',
    'arn:aws:s3:::acme-media',
  ]);
});

test('whoever only looks may do nothing else than an operator, and changes nothing', async () => {
  const [looking, operating] = [await policyFor('--read-only'), await policyFor('--operator')];
  expect(grantsIn(operating)).toEqual(expect.arrayContaining(grantsIn(looking)));
  // A message must be received to be read. Changing its visibility makes the message visible again.
  const changing = grantsIn(looking).filter(
    (grant) =>
      !/^\w+:(Get|List|Describe|Query|Scan|BatchGet|FilterLogEvents|ReceiveMessage|ChangeMessageVisibility)/.test(
        grant,
      ),
  );
  expect(changing).toEqual([]);
});

test('no policy of a person shows the private key of stamps', async () => {
  for (const person of ['--operator', '--read-only']) {
    const { Statement } = await policyFor(person);
    const table = Statement.filter(({ Resource }) => String(Resource).endsWith('-idempotency'));
    expect(table.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['circuits'] } },
      { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['arrivals*'] } },
    ]);
  }
});

test('with a key of the stack, people may use it through the services that store messages, items and variables, and nothing else of it', () => {
  const text = fileWith({ top: { stack: { kmsKeyArn: KEY } } });
  const configuration = parseConfiguration(text, { region: 'eu-west-1' });
  const ofKey = (person: 'operator' | 'read-only') =>
    policyOfNeeds(needsOf(person), configuration, '111111111111').Statement.filter(
      ({ Resource }) => Resource === KEY,
    );
  expect(ofKey('read-only')).toEqual([
    {
      Sid: 'StackKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: KEY,
      Condition: {
        StringEquals: {
          'kms:ViaService': [
            'dynamodb.eu-west-1.amazonaws.com',
            'lambda.eu-west-1.amazonaws.com',
            'sqs.eu-west-1.amazonaws.com',
          ],
        },
      },
    },
  ]);
  expect(ofKey('operator')[0]?.Action).toEqual([
    'kms:Decrypt',
    'kms:Encrypt',
    'kms:GenerateDataKey*',
    'kms:ReEncrypt*',
  ]);
  const plain = policyOfNeeds(needsOf('operator'), parseConfiguration(fileWith({})), '111111111111');
  expect(JSON.stringify(plain)).not.toContain('kms:');
});

test('a policy is for one kind of people, and for all rules', async () => {
  expect(await run(['config', 'policy', '--operator', '--read-only'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('exclude each other'),
  });
  expect(await run(['config', 'policy', '--operator', '--rule', 'media'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--rule has no meaning'),
  });
});
