/** Compares functions, their mappings and their permissions with the template. */
import { isRecord } from '../../lib/model/json.ts';
import type { Context } from './context.ts';
import { awsFix, compared } from './drift.ts';
import { type Finding, findingsOf } from './finding.ts';
import { listOf, statementsOf } from './policy-document.ts';
import { STACK_CAUSES } from './stack-causes.ts';
import { type TemplateResource, UNKNOWN } from './template-values.ts';

const { found } = findingsOf('stack', STACK_CAUSES);

export const functionFindings = async (
  context: Context,
  { physicalId: name, properties }: TemplateResource,
): Promise<Finding[]> => {
  const { functions } = context.settings;
  const [state, reserved, loop] = await Promise.all([
    functions.state(name),
    functions.reservedConcurrency(name),
    functions.recursiveLoop(name),
  ]);
  const what = `function ${name}`;
  if (state.kind !== 'answer') return compared(state, what, () => []);
  const wantedLoop = String(properties['RecursiveLoop'] ?? 'Terminate');
  return [
    ...settingsFindings(context, name, properties, state.value),
    ...(state.value.state === 'Active' && state.value.lastUpdateStatus !== 'Failed'
      ? []
      : [
          found('function-off', {
            text: `${what} is ${state.value.state}, its last update ${state.value.lastUpdateStatus}`,
            fix: { kind: 'command', account: accountIn(state.value.role), command: 'npx serverless deploy' },
          }),
        ]),
    ...compared(reserved, what, (executions) => reservedFindings(context, name, properties, executions)),
    ...compared(loop, what, (actual) =>
      actual === wantedLoop
        ? []
        : [
            found('recursion-stopped', {
              text: `${what}: RecursiveLoop is ${actual}, not ${wantedLoop}`,
              fix: awsFix(context, 'lambda', 'put-function-recursion-config', {
                FunctionName: name,
                RecursiveLoop: wantedLoop,
              }),
            }),
          ],
    ),
  ];
};

const accountIn = (arn: string): string => arn.split(':')[4] ?? '';

const reservedFindings = (
  context: Context,
  name: string,
  { ReservedConcurrentExecutions: wanted }: TemplateResource['properties'],
  executions: number | null,
): Finding[] => {
  if (executions === null || String(executions) === String(wanted)) return [];
  const { stack, backfill } = context.configuration;
  const isShort = executions < stack.maximumConcurrency + backfill.maximumConcurrency;
  if (executions > 0 && !isShort) return [];
  return [
    found(executions === 0 ? 'function-off' : 'function-reserved', {
      text: `function ${name}: its reserved concurrency is ${executions}`,
      fix: awsFix(context, 'lambda', 'delete-function-concurrency', { FunctionName: name }),
    }),
  ];
};

const settingsFindings = (
  context: Context,
  name: string,
  properties: TemplateResource['properties'],
  state: { role: string; timeoutSeconds: number; variables: Readonly<Record<string, string>> },
): Finding[] => {
  const environment = isRecord(properties['Environment']) ? properties['Environment']['Variables'] : {};
  const wanted = Object.entries(isRecord(environment) ? environment : {}).map(
    ([key, value]) => [key, String(value)] as const,
  );
  const differing = wanted.filter(
    ([key, value]) => !value.includes(UNKNOWN) && state.variables[key] !== value,
  );
  const changed = {
    ...(String(properties['Role']) === state.role ? {} : { Role: properties['Role'] }),
    ...(Number(properties['Timeout']) === state.timeoutSeconds ? {} : { Timeout: properties['Timeout'] }),
    ...(differing.length === 0
      ? {}
      : { Environment: { Variables: { ...state.variables, ...Object.fromEntries(differing) } } }),
  };
  if (Object.keys(changed).length === 0) return [];
  const said = [
    ...Object.keys(changed).filter((key) => key !== 'Environment'),
    ...differing.map(([key]) => key),
  ];
  return [
    found('function-settings', {
      text: `function ${name} has another ${said.join(', ')} than was deployed`,
      fix: awsFix(context, 'lambda', 'update-function-configuration', { FunctionName: name, ...changed }),
    }),
  ];
};

export const mappingFindings = async (
  context: Context,
  { physicalId: uuid, properties }: TemplateResource,
): Promise<Finding[]> => {
  const asked = await context.settings.functions.mapping(uuid);
  const queue = String(properties['EventSourceArn']).split(':').at(-1) ?? '';
  const update = (input: object) =>
    awsFix(context, 'lambda', 'update-event-source-mapping', { UUID: uuid, ...input });
  const scaling = properties['ScalingConfig'];
  const maximum = isRecord(scaling) ? Number(scaling['MaximumConcurrency']) : null;
  const types = listOf(properties['FunctionResponseTypes']);
  const batchSize = Number(properties['BatchSize'] ?? 10);
  const batchWindowSeconds = Number(properties['MaximumBatchingWindowInSeconds'] ?? 0);
  return compared(asked, `the mapping of queue ${queue}`, (mapping) => {
    const isSame =
      mapping.batchSize === batchSize &&
      mapping.batchWindowSeconds === batchWindowSeconds &&
      mapping.maximumConcurrency === maximum &&
      mapping.reportsFailures === types.includes('ReportBatchItemFailures');
    return [
      ...(['Enabled', 'Enabling', 'Creating', 'Updating'].includes(mapping.state)
        ? []
        : [
            found('mapping-off', {
              text: `queue ${queue} is not read: its mapping is ${mapping.state}`,
              fix: update({ Enabled: true }),
            }),
          ]),
      ...(isSame
        ? []
        : [
            found('mapping-changed', {
              text: `the mapping of queue ${queue} has a batch size of ${mapping.batchSize}, a batch window of ${mapping.batchWindowSeconds} s and a maximum concurrency of ${mapping.maximumConcurrency ?? 'none'}, other than was deployed`,
              fix: update({
                BatchSize: batchSize,
                MaximumBatchingWindowInSeconds: batchWindowSeconds,
                FunctionResponseTypes: types,
                ...(maximum === null ? {} : { ScalingConfig: { MaximumConcurrency: maximum } }),
              }),
            }),
          ]),
    ];
  });
};

export const permissionFindings = async (
  context: Context,
  { physicalId, properties }: TemplateResource,
): Promise<Finding[]> => {
  const name = String(properties['FunctionName']).split(':').at(-1) ?? '';
  const asked = await context.settings.functions.policy(name);
  const principal = String(properties['Principal']);
  const sourceArn = String(properties['SourceArn'] ?? '');
  const isMeant = (statement: Record<string, unknown>): boolean =>
    JSON.stringify(statement['Principal'] ?? '').includes(principal) &&
    (sourceArn === '' || JSON.stringify(statement['Condition'] ?? '').includes(sourceArn));
  const missing = found('function-permission', {
    text: `${sourceArn.split(/[:/]/).at(-1) ?? principal} may not invoke function ${name}`,
    fix: awsFix(context, 'lambda', 'add-permission', {
      FunctionName: name,
      StatementId: physicalId,
      Action: String(properties['Action']),
      Principal: principal,
      ...(sourceArn === '' ? {} : { SourceArn: sourceArn }),
    }),
  });
  // If a function has no permission at all, it has no policy either.
  if (asked.kind === 'missing') return [missing];
  return compared(asked, `the permissions of function ${name}`, (text) =>
    statementsOf(text).some(isMeant) ? [] : [missing],
  );
};
