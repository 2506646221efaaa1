import { resolve } from 'node:path';
import { createAccountSettings } from '../../lib/aws/settings/account-settings.ts';
import { valueOf } from '../../lib/aws/settings/asked.ts';
import { type Configuration, loadConfiguration } from '../../lib/configuration/configuration.ts';
import { productVersion } from '../../lib/configuration/package-files.ts';
import { ConfigurationError } from '../../lib/configuration/problem.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import { nearestWord } from '../../lib/text/nearest-word.ts';
import { OUTPUTS } from '../../stack/rules-digest.ts';
import { DEPLOYMENT_OPTIONS } from '../deployment.ts';
import {
  type CommandSpec,
  helpText,
  type OptionSpec,
  parseOptions,
  type ParsedOptions,
} from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { writeData } from '../terminal/fitted.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { styleFor } from '../terminal/style.ts';
import { canaryFindings } from './canary.ts';
import type { Context } from './context.ts';
import { openOwners, refusalOf } from './credentials.ts';
import { destinationFindings } from './destinations.ts';
import type { Finding } from './finding.ts';
import { commandOf, fixScript } from './fix.ts';
import { healthFindings } from './health.ts';
import { configurationFinding, hereFindings } from './here.ts';
import { countVerdicts, type Report } from './report.ts';
import { reportText } from './report-text.ts';
import { ruleFindings } from './rules.ts';
import { sourceFindings } from './sources.ts';
import { stackFindings } from './stack.ts';

export const OWNER_OPTIONS = {
  'destination-profile': {
    value: 'PROFILE',
    description:
      'AWS profile of a destination account. Also compare the stack, the roles and the bucket there with the rules. May be given for several accounts.',
    multiple: true,
  },
} as const satisfies Record<string, OptionSpec>;

export const DOCTOR: CommandSpec = {
  name: 'doctor',
  summary: 'Find out what is wrong with a deployment, or will be, and how to fix it.',
  description: [
    'Checks replication.yml, the stack, its source buckets and its rules, before the first deployment as well as after it. Each problem comes with one command that fixes it. Changes nothing without --canary. What your credentials may not read is listed as not checked, with the missing permission. docs/doctor.md lists all causes.',
  ],
  options: {
    rule: { value: 'RULE', description: 'Only what concerns this rule.', multiple: true },
    canary: {
      description:
        'Also upload one small object for each rule, and time it until every replica is proven. It is removed again where the rule replicates deletes.',
    },
    strict: { description: 'Exit with 3 if there are warnings and no errors.' },
    ...OWNER_OPTIONS,
    'fix-script': { description: 'Print all fixes as a shell script, which nothing runs.' },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'No errors.'],
    [EXIT.failure, 'There are errors.'],
    [EXIT.usage, 'The command line is wrong.'],
    [EXIT.warnings, 'There are warnings and no errors, and --strict was given.'],
  ],
  examples: [
    ['npx s3-replicator doctor', 'Before the first deployment, and whenever something seems wrong'],
    ['npx s3-replicator doctor --rule invoices --strict', 'For a pipeline'],
    [
      'npx s3-replicator doctor --destination-profile archive',
      'With the credentials of a destination account',
    ],
    ['npx s3-replicator doctor --fix-script > fix.sh', 'All fixes, to read and to run'],
  ],
};

/** Runs `s3-replicator doctor …`. Resolves to the exit code. Throws CliError. */
export const runDoctor = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(DOCTOR, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(DOCTOR, io.columns));
    return EXIT.ok;
  }
  const report = await examine(options, io);
  if (options.has('json')) io.stdout.write(jsonText(publicReport(report)));
  else if (options.has('fix-script')) writeData(io.stdout, fixScript(report.findings));
  else {
    const columns = Number.isFinite(io.columns) ? io.columns : DEFAULT_COLUMNS;
    writeData(io.stdout, reportText(report, { columns, style: styleFor(io.stdout, io.env) }));
  }
  if (report.errors > 0) return EXIT.failure;
  return report.warnings > 0 && options.has('strict') ? EXIT.warnings : EXIT.ok;
};

/** The width of the report if the output is not a terminal. Long lines are broken, not cut. */
const DEFAULT_COLUMNS = 80;

/** Examines the deployment that the options name. Throws CliError for a rule that does not exist. */
export const examine = async (options: ParsedOptions, io: CliIo): Promise<Report> => {
  const startedMs = io.now();
  const version = productVersion();
  const whole = configurationOrText(options, io);
  if (typeof whole === 'string') {
    const findings = [configurationFinding(whole)];
    const nobody = { account: null, caller: null, deployedVersion: null };
    const seconds = secondsSince(startedMs, io);
    const counts = { errors: 1, warnings: 0, destinations: 0, sound: 0 };
    return { stack: 'replication.yml', region: '', version, ...nobody, findings, ...counts, seconds };
  }
  const chosen = chosenRules(whole, options.values('rule'));
  const context = await contextOf(whole, chosen, { options, io });
  const here = hereFindings(context, { node: process.versions.node, version });
  const groups = await Promise.all([
    stackFindings(context),
    sourceFindings(context),
    destinationFindings(context),
    ruleFindings(context),
    healthFindings(context),
  ]);
  const canary = options.has('canary') ? await canaryFindings(context, io) : [];
  const findings = [...here, ...groups.flat(), ...canary];
  return {
    stack: context.names.stack,
    account: context.identity?.account ?? null,
    caller: context.identity === null ? null : callerText(context.identity.arn),
    region: context.region,
    version,
    deployedVersion: context.stack?.outputs[OUTPUTS.version] ?? null,
    findings,
    ...countVerdicts(findings, context.configuration),
    seconds: secondsSince(startedMs, io),
  };
};

const secondsSince = (startedMs: number, io: Pick<CliIo, 'now'>): number =>
  Math.round((io.now() - startedMs) / 100) / 10;

/** A mistake in the configuration file is a finding like any other, so the command does not fail. */
const configurationOrText = (options: ParsedOptions, { cwd }: CliIo): Configuration | string => {
  try {
    return loadConfiguration(resolve(cwd, options.value('config') ?? 'replication.yml'), {
      stage: options.value('stage') ?? undefined,
      region: options.value('region') ?? undefined,
    });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
};

const chosenRules = (whole: Configuration, ids: readonly string[]): Configuration => {
  const { rules } = whole.replication;
  const known = rules.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    const nearest = nearestWord(unknown, known);
    const hint = nearest === null ? `The rules are ${known.join(', ')}.` : `Did you mean ${nearest}?`;
    throw new CliError('bad-request', `No rule has the id ${JSON.stringify(unknown)}. ${hint}`);
  }
  const chosen = ids.length === 0 ? rules : rules.filter(({ id }) => ids.includes(id));
  return { ...whole, replication: { ...whole.replication, rules: chosen } };
};

const contextOf = async (
  whole: Configuration,
  configuration: Configuration,
  { options, io }: { options: ParsedOptions; io: CliIo },
): Promise<Context> => {
  const names = resourceNames(whole.deployment);
  const { region } = whole.deployment;
  const settings = createAccountSettings({ region });
  const asked = await settings.resources.identity();
  const identity = valueOf(asked);
  const profile = options.value('profile') ?? io.env['AWS_PROFILE'] ?? null;
  const refusal = await refusalOf(asked, profile);
  const state = identity === null ? null : await settings.stacks.state(names.stack);
  const stack = state === null ? null : valueOf(state);
  const isDeployed = state?.kind !== 'missing';
  const owners = await openOwners(options.values('destination-profile'), region);
  return {
    configuration,
    whole,
    names,
    region,
    settings,
    identity,
    refusal,
    stack,
    isDeployed,
    owners,
    cwd: io.cwd,
    now: io.now,
  };
};

/** Returns a caller as people name it: `AssumedRole/platform` for a session of the role platform. */
const callerText = (arn: string): string => {
  const [kind = '', name = ''] = (arn.split(':')[5] ?? '').split('/');
  return kind === 'assumed-role' ? `AssumedRole/${name}` : [kind, name].filter(Boolean).join('/');
};

/** A finding in the shape that `doctor --json` prints. */
export interface PublicFinding extends Omit<Finding, 'fix'> {
  /** The whole command. Null if nothing has to be fixed, or if no command fixes it. */
  fix: string | null;
  /** The change that a file needs before the command; null if no file has to change. */
  edit: string | null;
  fixAccount: string | null;
}

export interface PublicReport extends Omit<Report, 'findings'> {
  findings: PublicFinding[];
}

export const publicReport = ({ findings, ...report }: Report): PublicReport => ({
  ...report,
  findings: findings.map(({ fix, ...finding }) => ({
    ...finding,
    fix: fix === null ? null : commandOf(fix),
    edit: fix?.kind === 'edit' ? fix.edit : null,
    fixAccount: fix?.account ?? null,
  })),
});
