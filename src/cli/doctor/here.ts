/** The first group: the state of this machine, and whether the deployed stack matches it. */
import { countOf } from '../../lib/text/amounts.ts';
import { OUTPUTS, rulesDigest } from '../../stack/rules-digest.ts';
import { accountOf, type Context } from './context.ts';
import type { Refusal } from './credentials.ts';
import { type Cause, type Finding, findingsOf } from './finding.ts';
import { DEPLOY } from './fix.ts';

export const HERE_CAUSES = {
  node: {
    verdict: 'error',
    asks: 'the version of Node.js',
    means: 'Node.js is older than 20.',
    fix: 'install Node.js 20 or newer',
  },
  configuration: {
    verdict: 'error',
    asks: 'replication.yml',
    means: 'The file has mistakes; nothing else can be checked.',
    fix: 'npx s3-replicator config check',
  },
  credentials: {
    verdict: 'error',
    asks: 'sts:GetCallerIdentity',
    means: 'There are no credentials, or AWS does not accept them.',
    fix: 'aws sso login --profile …, aws configure list-profiles or aws sts get-caller-identity',
  },
  'rules-differ': {
    verdict: 'warning',
    asks: 'the output RulesDigest of the stack',
    means: 'replication.yml was changed since the last deployment.',
    fix: 'npx serverless deploy',
  },
  'version-differs': {
    verdict: 'warning',
    asks: 'the output Version of the stack',
    means: 'The stack was deployed by another version of s3-replicator.',
    fix: 'npx serverless deploy',
  },
} as const satisfies Record<string, Cause>;

const { ok, found, notChecked } = findingsOf('here', HERE_CAUSES);

const OLDEST_NODE = 20;

export const hereFindings = (context: Context, own: { node: string; version: string }): Finding[] => {
  const { whole, refusal, stack } = context;
  const { rules } = whole.replication;
  const destinations = rules.reduce((sum, rule) => sum + rule.destinations.length, 0);
  const counts = `replication.yml: ${countOf(rules.length, 'rule')}, ${countOf(destinations, 'destination')}`;
  const isSame = stack !== null && stack.outputs[OUTPUTS.rulesDigest] === rulesDigest(whole);
  const differs =
    stack !== null && stack.outputs[OUTPUTS.rulesDigest] !== undefined && !isSame
      ? [
          found('rules-differ', {
            text: 'replication.yml is not what is deployed',
            fix: { kind: 'command', account: accountOf(context), command: DEPLOY },
          }),
        ]
      : [];
  return [
    ...nodeFindings(own.node),
    ok(isSame ? `${counts} – the same that are deployed` : counts),
    ...differs,
    ...(refusal === null ? [] : [noCredentials(refusal)]),
    ...versionFindings(context, own.version),
  ];
};

const nodeFindings = (version: string): Finding[] =>
  Number(version.split('.')[0]) >= OLDEST_NODE
    ? []
    : [
        found('node', {
          text: `Node.js ${version} is too old`,
          fix: { kind: 'command', account: 'none', command: `nvm install ${OLDEST_NODE}` },
        }),
      ];

const noCredentials = ({ text, command }: Refusal): Finding =>
  found('credentials', {
    text: `only replication.yml can be checked, because AWS accepts no credentials from here: ${text}`,
    fix: { kind: 'command', account: 'of the stack', command },
  });

const versionFindings = (context: Context, version: string): Finding[] => {
  if (context.stack === null) return [];
  const deployed = context.stack.outputs[OUTPUTS.version];
  if (deployed === undefined)
    return [notChecked('the version that is deployed: the stack has no output Version')];
  if (deployed === version) return [];
  return [
    found('version-differs', {
      text: `the stack was deployed by version ${deployed}, this is ${version}`,
      fix: { kind: 'command', account: accountOf(context), command: DEPLOY },
    }),
  ];
};

/** The only finding if the configuration cannot be read. In that case nothing else is checked. */
export const configurationFinding = (text: string): Finding =>
  found('configuration', {
    text,
    fix: { kind: 'command', account: 'none', command: 'npx s3-replicator config check' },
  });
