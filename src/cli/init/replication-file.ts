import { partitionOfRegion } from '../../lib/configuration/aws-syntax.ts';
import { adviceOf } from '../../lib/configuration/advice.ts';
import { productName } from '../../lib/configuration/package-files.ts';
import { type Answers, NONE } from './questions.ts';

/** Returns the text of replication.yml. The comments are the descriptions in the schema. */
export const replicationFile = (answers: Answers): string =>
  `${[
    `# yaml-language-server: $schema=./node_modules/${productName()}/docs/replication.schema.json`,
    '#',
    '# What is replicated where. This is the one file to edit; everything else follows from it.',
    '# Check it with `npx s3-replicator config check`.',
    '',
    ...comment(
      'All resources of the stack begin with <name>-<stage>. The stage is prod unless --stage says otherwise.',
    ),
    `name: ${scalar(answers.name)}`,
    '',
    ...comment(adviceOf('region')),
    `region: ${answers.region}`,
    '',
    'rules:',
    `  - id: ${scalar(answers.source)}`,
    '    source:',
    ...sourceLines(answers).map(indented(6)),
    '    destinations:',
    ...destinationLines(answers).map((line, index) => `${index === 0 ? '      - ' : ' '.repeat(8)}${line}`),
    ...ruleLines(answers).map(indented(4)),
    '',
    ...comment('Every other option has a default. `npx s3-replicator config check` shows them all.'),
    ...alarmLines(answers),
  ].join('\n')}\n`;

const sourceLines = ({ source, prefix, 'source-kms-key': kmsKey }: Answers): string[] => [
  `bucket: ${scalar(source)}`,
  ...(prefix === ''
    ? ['# prefix: invoices/ # only keys that begin like this']
    : [`prefix: ${scalar(prefix)} # only keys that begin like this`]),
  ...(kmsKey === NONE ? [] : [...comment(adviceOf('rules.source.kmsKeyArn'), 6), `kmsKeyArn: ${kmsKey}`]),
];

const destinationLines = (answers: Answers): string[] => [
  `bucket: ${scalar(answers.destination)}`,
  `region: ${answers['destination-region']}`,
  ...comment(
    'The role that the stack of the destination account creates: `npx s3-replicator config destination` prints its command.',
    8,
  ),
  `roleArn: ${roleArn(answers)}`,
  `externalId: ${scalar(answers['external-id'])}`,
  ...(answers['destination-kms-key'] === NONE
    ? []
    : [
        ...comment(adviceOf('rules.destinations.kmsKeyArn'), 8),
        `kmsKeyArn: ${answers['destination-kms-key']}`,
      ]),
  ...comment(adviceOf('rules.destinations.objectLock'), 8),
  `objectLock: ${answers.protection === 'versions' ? 'ignore' : 'replicate'}`,
];

const ruleLines = ({ versions, deletes }: Answers): string[] => [
  ...comment(adviceOf('rules.versions'), 4),
  `versions: ${versions}`,
  ...comment(adviceOf('rules.deletes'), 4),
  `deletes: ${deletes}`,
];

const alarmLines = ({ 'alarm-email': email }: Answers): string[] => {
  const lines = [
    'stack:',
    '  alarms:',
    `    email: ${email === NONE ? 'storage-team@example.com' : scalar(email)}`,
  ];
  return [
    ...comment(adviceOf('stack.alarms.email')),
    ...(email === NONE ? lines.map((line) => `# ${line}`) : lines),
  ];
};

/** destination/template.yml adds `-compare` to the name, and names of roles have at most 64 characters. */
const MAXIMUM_ROLE_NAME_LENGTH = 56;

const roleArn = (answers: Answers): string => {
  const name = `s3-replicator-${answers.destination}`.slice(0, MAXIMUM_ROLE_NAME_LENGTH);
  const partition = partitionOfRegion(answers['destination-region']);
  return `arn:${partition}:iam::${answers['destination-account']}:role/${name}`;
};

const COLUMNS = 80;

/** The descriptions in the schema tell the reader of an error message what to write: "give the region of …". A comment only names it. */
const comment = (advice: string, indent = 0): string[] => {
  const text = advice.replace(/^(?:give|write) /, '');
  const lines: string[] = [];
  let line = '#';
  for (const word of `${text.charAt(0).toUpperCase()}${text.slice(1)}`.split(' ')) {
    if (indent + line.length + 1 + word.length > COLUMNS && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line = `${line} ${word}`;
  }
  return [...lines, line];
};

const indented =
  (spaces: number) =>
  (line: string): string =>
    `${' '.repeat(spaces)}${line}`;

/** YAML reads some plain texts as numbers, truth values or comments. A JSON string is always read as its text. */
const scalar = (text: string): string =>
  /^[A-Za-z][\w./@+=,-]*$/.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
