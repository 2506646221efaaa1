/** Compares the resources of the deployed stack with its own template. CloudFormation does not notice changes by other tools or people. */
import { isRecord, parsedJson } from '../../lib/model/json.ts';
import { accountOf, type Context } from './context.ts';
import { awsFix, compared } from './drift.ts';
import { type Finding, findingsOf, whyNotChecked } from './finding.ts';
import type { Fix } from './fix.ts';
import { functionFindings, mappingFindings, permissionFindings } from './function-drift.ts';
import { attachmentFindings, managedPolicyFindings } from './managed-drift.ts';
import { canonical, comparePolicies, listOf, statementsOf } from './policy-document.ts';
import { STACK_CAUSES } from './stack-causes.ts';
import { type TemplateResource, templateResources, UNKNOWN } from './template-values.ts';

const { found, notChecked } = findingsOf('stack', STACK_CAUSES);

type Check = (context: Context, resource: TemplateResource) => Promise<Finding[]>;

/** Checks all resources of the template. Resolves to the differences, and to the resources that could not be checked. */
export const driftFindings = async (context: Context, resources: TemplateResource[]): Promise<Finding[]> => {
  const findings = await Promise.all(
    resources.map(async (resource) => (await CHECKS[resource.type]?.(context, resource)) ?? []),
  );
  return findings.flat();
};

/** Resolves to the resources of the deployed template, or to the reason why they cannot be compared. */
export const deployedResources = async (context: Context): Promise<TemplateResource[] | Finding> => {
  const { settings, names, region } = context;
  const [template, resources] = await Promise.all([
    settings.stacks.template(names.stack),
    settings.stacks.resources(names.stack),
  ]);
  const why = whyNotChecked('its template', template) ?? whyNotChecked('its resources', resources);
  if (template.kind !== 'answer' || resources.kind !== 'answer') return notChecked(why ?? 'its template');
  const parameters = context.stack?.parameters ?? {};
  const place = { account: accountOf(context), region, stack: names.stack, parameters };
  return (
    templateResources(template.value, resources.value, place) ?? notChecked('its template, which is none')
  );
};

export const roleFindings: Check = async (context, { physicalId: role, properties }) => {
  const trust = await context.settings.resources.roleTrust(role);
  const policies = [properties['Policies'] ?? []].flat().filter(isRecord);
  const others = await Promise.all(
    policies.map((policy) =>
      policyFindings(context, role, String(policy['PolicyName']), policy['PolicyDocument']),
    ),
  );
  const attached = await attachmentFindings(context, role, listOf(properties['ManagedPolicyArns']));
  const wanted = properties['AssumeRolePolicyDocument'];
  const fix = awsFix(context, 'iam', 'update-assume-role-policy', {
    RoleName: role,
    PolicyDocument: JSON.stringify(wanted),
  });
  return [
    ...compared(trust, `role ${role}`, (text) => {
      const { missing, extra } = comparePolicies(wanted, text);
      if (missing.length + extra.length === 0) return [];
      const said = [...missing.map((one) => `lacks ${one}`), ...extra.map((one) => `has ${one} more`)];
      return [found('role-trust', { text: `role ${role}: its trust policy ${said.join(', ')}`, fix })];
    }),
    ...others.flat(),
    ...attached,
  ];
};

const policyFindings = async (
  context: Context,
  role: string,
  name: string,
  wanted: unknown,
): Promise<Finding[]> => {
  if (canonical(wanted).includes(UNKNOWN)) return [notChecked(`policy ${name} of role ${role}`)];
  const asked = await context.settings.resources.rolePolicy(role, name);
  const fix = awsFix(context, 'iam', 'put-role-policy', {
    RoleName: role,
    PolicyName: name,
    PolicyDocument: JSON.stringify(wanted),
  });
  const what = `role ${role}`;
  // AWS answers alike for a missing role and for a role without its only policy. The check of the trust policy finds a missing role.
  if (asked.kind === 'missing')
    return [found('role-policy', { text: `${what} lacks its whole policy ${name}`, fix })];
  return compared(asked, what, (text) => {
    const { missing, extra } = comparePolicies(wanted, text);
    const isDenied = statementsOf(text).some(
      (one) =>
        one['Effect'] === 'Deny' &&
        !statementsOf(wanted).some((other) => canonical(other) === canonical(one)),
    );
    if (missing.length > 0)
      return [found('role-policy', { text: `${what} lacks ${missing.join('; ')}`, fix })];
    if (extra.length === 0) return [];
    const cause = isDenied ? 'role-policy' : 'role-policy-wider';
    return [found(cause, { text: `${what} has ${extra.join('; ')}, which was not deployed`, fix })];
  });
};

const queuePolicyFindings: Check = async (context, { properties }) => {
  const wanted = properties['PolicyDocument'];
  const all = await Promise.all(
    listOf(properties['Queues']).map(async (url) => {
      const asked = await context.settings.resources.queueAttributes(url);
      const name = nameOfQueue(url);
      const fix = awsFix(context, 'sqs', 'set-queue-attributes', {
        QueueUrl: url,
        Attributes: { Policy: JSON.stringify(wanted) },
      });
      return compared(asked, `queue ${name}`, ({ Policy: text = '' }) =>
        differing(wanted, text).map((said) => found('queue-policy', { text: `queue ${name} ${said}`, fix })),
      );
    }),
  );
  return all.flat();
};

const topicPolicyFindings: Check = async (context, { properties }) => {
  const wanted = properties['PolicyDocument'];
  const all = await Promise.all(
    listOf(properties['Topics']).map(async (arn) => {
      const asked = await context.settings.resources.topicAttributes(arn);
      const name = arn.split(':').at(-1) ?? '';
      const fix = awsFix(context, 'sns', 'set-topic-attributes', {
        TopicArn: arn,
        AttributeName: 'Policy',
        AttributeValue: JSON.stringify(wanted),
      });
      return compared(asked, `topic ${name}`, ({ Policy: text = '' }) =>
        differing(wanted, text).map((said) => found('topic-policy', { text: `topic ${name} ${said}`, fix })),
      );
    }),
  );
  return all.flat();
};

const queueFindings: Check = async (context, { physicalId: url, properties }) => {
  const asked = await context.settings.resources.queueAttributes(url);
  const name = nameOfQueue(url);
  return compared(asked, `queue ${name}`, (attributes) => {
    const wanted = Object.fromEntries(
      QUEUE_SETTINGS.flatMap((setting) => {
        const value = properties[setting];
        return value === undefined
          ? []
          : [[setting, isRecord(value) ? JSON.stringify(value) : String(value)] as const];
      }),
    );
    const changed = Object.entries(wanted).filter(
      ([setting, value]) => !sameSetting(value, attributes[setting] ?? ''),
    );
    if (changed.length === 0) return [];
    const said = changed.map(([setting]) => `${setting} is ${attributes[setting] ?? 'missing'}`).join(', ');
    const fix = awsFix(context, 'sqs', 'set-queue-attributes', {
      QueueUrl: url,
      Attributes: Object.fromEntries(changed),
    });
    return [found('queue-settings', { text: `queue ${name}: ${said}`, fix })];
  });
};

/** The attributes of a queue that have the same name in CloudFormation and in SQS. */
const QUEUE_SETTINGS = [
  'VisibilityTimeout',
  'MessageRetentionPeriod',
  'DelaySeconds',
  'SqsManagedSseEnabled',
  'RedrivePolicy',
  'RedriveAllowPolicy',
];

const sameSetting = (wanted: string, actual: string): boolean => {
  const parsed = parsedJson(wanted);
  return isRecord(parsed) ? canonical(parsed) === canonical(parsedJson(actual)) : wanted === actual;
};

const eventRuleFindings: Check = async (context, { physicalId: name, properties }) => {
  const asked = await context.settings.resources.eventRule(name);
  const enable = awsFix(context, 'events', 'enable-rule', { Name: name });
  return compared(asked, `event rule ${name}`, ({ isEnabled, pattern, schedule, targets }) => {
    const targetArns = [properties['Targets'] ?? []]
      .flat()
      .filter(isRecord)
      .map(({ Arn: arn }) => String(arn));
    const hasSameInput =
      canonical(properties['EventPattern'] ?? '') === canonical(parsedJson(pattern) ?? '') &&
      String(properties['ScheduleExpression'] ?? '') === schedule;
    const hasSameTargets = canonical(targetArns) === canonical(targets.map(({ arn }) => arn));
    const changed = (what: string, fix: Fix): Finding =>
      found('event-rule-changed', { text: `event rule ${name} has another ${what} than was deployed`, fix });
    return [
      ...(isEnabled
        ? []
        : [found('event-rule-off', { text: `event rule ${name} is disabled`, fix: enable })]),
      ...(hasSameInput ? [] : [changed('pattern or schedule', putRule(context, name, properties))]),
      ...(hasSameTargets
        ? []
        : [
            changed(
              'target',
              awsFix(context, 'events', 'put-targets', { Rule: name, Targets: properties['Targets'] }),
            ),
          ]),
    ];
  });
};

const putRule = (context: Context, Name: string, properties: TemplateResource['properties']): Fix => {
  const { EventPattern: pattern, ScheduleExpression: schedule } = properties;
  return awsFix(context, 'events', 'put-rule', {
    Name,
    State: 'ENABLED',
    ...(pattern === undefined ? {} : { EventPattern: JSON.stringify(pattern) }),
    ...(schedule === undefined ? {} : { ScheduleExpression: schedule }),
  });
};

const CHECKS: Record<string, Check> = {
  'AWS::IAM::Role': roleFindings,
  'AWS::IAM::ManagedPolicy': managedPolicyFindings,
  'AWS::SQS::QueuePolicy': queuePolicyFindings,
  'AWS::SQS::Queue': queueFindings,
  'AWS::SNS::TopicPolicy': topicPolicyFindings,
  'AWS::Events::Rule': eventRuleFindings,
  'AWS::Lambda::Function': functionFindings,
  'AWS::Lambda::EventSourceMapping': mappingFindings,
  'AWS::Lambda::Permission': permissionFindings,
};

const nameOfQueue = (url: string): string => url.split('/').at(-1) ?? url;

const differing = (wanted: unknown, actual: string): string[] => {
  const { missing, extra } = comparePolicies(wanted, actual);
  const said = [
    ...(missing.length === 0 ? [] : [`lacks ${missing.join('; ')}`]),
    ...(extra.length === 0 ? [] : [`has ${extra.join('; ')}, which was not deployed`]),
  ];
  return said.length === 0 ? [] : [said.join(', and ')];
};
