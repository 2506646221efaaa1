/**
 * The first page of docs/operations.md is generated from the texts of the alarms. The commands in it must exist.
 *
 * After a change of the texts run `npx vitest run tests/docs/alarms.test.ts -u`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { parseOptions } from '../../src/cli/terminal/command.ts';
import { ALARM_TEXTS, alarmDescription, type AlarmName } from '../../src/stack/alarm-texts.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { stackOf } from '../../src/stack/stack.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/operations.md');
const DEPLOYMENT = { name: 'acme', stage: 'test', region: 'eu-central-1' };
const NAMES = Object.keys(ALARM_TEXTS).filter((name): name is AlarmName => name in ALARM_TEXTS);
const commandOf = (name: AlarmName): string =>
  alarmDescription(name, DEPLOYMENT).split(' Begin with: ')[1] ?? '';

const anchorOf = (title: string): string => title.toLowerCase().replaceAll(/[^\w]+/g, '-');

/** Returns the command as the document shows it: without the options that name the stack. */
const shortCommand = (name: AlarmName): string =>
  ALARM_TEXTS[name].command
    .replace(/ --stage STAGE --region REGION$| --region REGION$/, '')
    .replace('STACK', '<name>-<stage>');

test('the first page of docs/operations.md has each alarm, what it means and one command', async () => {
  const [before = '', , after = ''] = readFileSync(DOCUMENT, 'utf8').split(/<!-- (?:end of )?alarms.*?-->\n/);
  const rows = NAMES.map((name) => {
    const { meaning, section } = ALARM_TEXTS[name];
    return `| [\`${name}\`](#${anchorOf(section)}) | ${meaning} | \`${shortCommand(name)}\` |`;
  });
  const table = ['| alarm | what it means | begin with |', '| --- | --- | --- |', ...rows].join('\n');
  const text = `${before}<!-- alarms: written by tests/docs/alarms.test.ts -->\n\n${table}\n\n<!-- end of alarms -->\n${after}`;
  const formatted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(DOCUMENT);
  for (const { section } of Object.values(ALARM_TEXTS)) expect(after).toContain(`\n## ${section}\n`);
});

test('every alarm of the stack has its text with the command for this stack', () => {
  const sample = readFileSync(join(import.meta.dirname, '../../replication.yml'), 'utf8');
  const text = sample.replace('  - id: media\n', '  - id: media\n    verify: { every: 7d }\n');
  const { stage, region } = DEPLOYMENT;
  const configuration = parseConfiguration(text, { stage, region });
  const { deployment } = configuration;
  const { Resources } = stackOf(configuration).resources;
  const alarms = Object.values(Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
  const described = alarms.map(({ Properties = {} }) => [
    String(Properties['AlarmName']).replace(`${resourceNames(deployment).stack}-`, ''),
    // Only the first line is compared. The dashboard is named on a separate line.
    String(Properties['AlarmDescription']).split('\n')[0],
  ]);
  expect(described.toSorted()).toEqual(
    NAMES.map((name) => [name, alarmDescription(name, deployment)]).toSorted(),
  );
});

test.each(NAMES)('the command of alarm %s exists, with its options', (name) => {
  const command = commandOf(name);
  expect(command).toContain('eu-central-1');
  expect(alarmDescription(name, DEPLOYMENT).length).toBeLessThanOrEqual(1_024);
  if (command.startsWith('npx s3-replicator ')) {
    expect(command).toContain(' --stage test --region eu-central-1');
    const words = command.split(' ').slice(2);
    const spec = ALL_COMMANDS.find((each) => words.join(' ').startsWith(`${each.name} `));
    expect(spec, command).toBeDefined();
    parseOptions(spec!, words.slice(spec!.name.split(' ').length));
  } else if (command.startsWith('aws logs tail ')) {
    const names = Object.values(resourceNames(DEPLOYMENT));
    expect(names).toContain(/\/aws\/lambda\/(\S+)/.exec(command)?.[1]);
  } else expect(command).toBe('npx serverless deploy --stage test --region eu-central-1');
});
