/**
 * What the stack contains for ten configurations, as files to review: the resources, and what each role and each policy allows. `plain.txt`
 * is complete. The other files list only the lines in which they differ from it.
 */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import type { Template } from './packaging.ts';
import { list, ofType, roleStatements, spell, type Statement, statementsOf } from './statements.ts';
import { CONFIGURATIONS, type NamedConfiguration } from './ten-configurations.ts';

const POLICY_PROPERTIES: Record<string, string> = {
  'AWS::SQS::QueuePolicy': 'PolicyDocument',
  'AWS::SNS::TopicPolicy': 'PolicyDocument',
};

const templateOf = ({ text, stage = 'prod' }: NamedConfiguration): Template =>
  JSON.parse(JSON.stringify(stackOf(parseConfiguration(text, { stage })).resources));

const statementLines = (owner: string, statements: Statement[]): string[] =>
  statements.flatMap(({ Effect, Action, Resource, Principal, Condition }) =>
    list<string>(Action).flatMap((action) =>
      list<unknown>(Resource ?? '').map((on) =>
        [
          `${owner}: ${Effect === 'Deny' ? 'not ' : ''}${action}`,
          ...(Resource === undefined ? [] : [`on ${spell(on)}`]),
          ...(Principal === undefined ? [] : [`for ${JSON.stringify(Principal)}`]),
          ...(Condition === undefined ? [] : [`if ${JSON.stringify(Condition)}`]),
        ].join(' '),
      ),
    ),
  );

const linesOf = (template: Template): string[] => {
  const resources = Object.entries(template.Resources).map(([id, { Type }]) => `${Type} ${id}`);
  const roles = ofType(template, 'AWS::IAM::Role').flatMap(([id]) =>
    statementLines(id, roleStatements(template, id)),
  );
  const policies = Object.entries(POLICY_PROPERTIES).flatMap(([type, property]) =>
    ofType(template, type).flatMap(([id, { Properties }]) =>
      statementLines(id, statementsOf(Properties[property])),
    ),
  );
  return [...new Set([...resources, ...roles, ...policies])].toSorted();
};

const { plain, ...others } = CONFIGURATIONS;
const plainLines = plain === undefined ? [] : linesOf(templateOf(plain));
const file = (name: string, lines: string[]) =>
  expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`contents/${name}.txt`);

test('the stack of the plain configuration contains what the file says', async () => {
  await file('plain', plainLines);
});

test.each(Object.entries(others))(
  'the stack of the configuration %s differs as its file says',
  async (name, configuration) => {
    const lines = linesOf(templateOf(configuration));
    await file(name, [
      ...plainLines.filter((line) => !lines.includes(line)).map((line) => `- ${line}`),
      ...lines.filter((line) => !plainLines.includes(line)).map((line) => `+ ${line}`),
    ]);
  },
);
