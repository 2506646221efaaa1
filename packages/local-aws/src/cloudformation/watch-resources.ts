import { z } from 'zod';
import type { Alarms } from '../cloudwatch/alarms.ts';
import type { Clock } from '../core/clock.ts';
import type { KeyAccess } from '../sqs/queue-key.ts';
import type { LogGroups } from '../logs/log-groups.ts';
import type { Provider } from './provider.ts';
import { alreadyExists, defineResourceType, inert } from './resource-type.ts';

/** The resource types of CloudWatch and CloudWatch Logs. */
export const watchProviders = (services: {
  alarms: Alarms;
  logGroups: LogGroups;
  clock: Clock;
  keys: KeyAccess;
}): Record<string, Provider> => ({
  'AWS::CloudWatch::Alarm': alarmProvider(services),
  'AWS::CloudWatch::Dashboard': dashboardProvider(),
  'AWS::Logs::LogGroup': logGroupProvider(services.logGroups, services.keys),
});

/** PutMetricAlarm creates the alarm and checks its properties. */
const alarmProvider = ({ alarms, clock }: { alarms: Alarms; clock: Clock }): Provider =>
  defineResourceType({
    properties: z.looseObject({ AlarmName: z.string().optional() }),
    replacedBy: ['AlarmName'],
    create: (context, properties) => {
      const { AlarmName = context.generatedName } = properties;
      if (alarms.exists(context, AlarmName)) throw alreadyExists(context, AlarmName);
      const Arn = alarms.put(placeOf(context), { ...properties, AlarmName }, clock.now());
      return { physicalId: AlarmName, attributes: { Arn } };
    },
    update: (context, name, properties) => {
      const Arn = alarms.put(placeOf(context), { ...properties, AlarmName: name }, clock.now());
      return { physicalId: name, attributes: { Arn } };
    },
    delete: (context, name) => alarms.delete(context, name),
  });

/**
 * A dashboard has no effect in the local AWS, but its body is checked as PutDashboard checks it.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */
const dashboardProvider = (): Provider => {
  const taken = new Set<string>();
  return defineResourceType({
    properties: z.strictObject({ DashboardName: z.string().optional(), DashboardBody: dashboardBody }),
    replacedBy: ['DashboardName'],
    create: (context, { DashboardName: name = context.generatedName }) => {
      // Dashboards belong to an account, not to a region.
      const place = `${context.accountId}/${name}`;
      if (taken.has(place)) throw alreadyExists(context, name);
      taken.add(place);
      return { physicalId: name, attributes: {} };
    },
    update: (_context, name) => ({ physicalId: name, attributes: {} }),
    delete: (context, name) => void taken.delete(`${context.accountId}/${name}`),
  });
};

const widget = z.looseObject({
  type: z.enum(['metric', 'log', 'text', 'alarm', 'explorer', 'custom']),
  x: z.int().min(0).max(23).optional(),
  y: z.int().min(0).optional(),
  width: z.int().min(1).max(24).optional(),
  height: z.int().min(1).max(1_000).optional(),
  properties: z.looseObject({}),
});

const body = z.looseObject({ widgets: z.array(widget).max(500) });

const dashboardBody = z.string().refine((text) => {
  try {
    return body.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}, 'The dashboard body is invalid');

const placeOf = ({ accountId, region }: { accountId: string; region: string }) => ({ accountId, region });

const logGroupProvider = (groups: LogGroups, keys: KeyAccess): Provider => {
  const attributes = (place: { accountId: string; region: string }, name: string) => ({
    Arn: `arn:aws:logs:${place.region}:${place.accountId}:log-group:${name}:*`,
  });
  return defineResourceType({
    properties: z.strictObject({
      LogGroupName: z.string().optional(),
      RetentionInDays: inert,
      KmsKeyId: z.string().optional(),
      LogGroupClass: inert,
      Tags: inert,
      DeletionProtectionEnabled: inert,
    }),
    replacedBy: ['LogGroupName'],
    create: (context, { LogGroupName: name = context.generatedName, KmsKeyId }) => {
      askForKey(keys, context, name, KmsKeyId);
      if (!groups.create({ ...placeOf(context), name })) throw alreadyExists(context, name);
      return { physicalId: name, attributes: attributes(context, name) };
    },
    update: (context, name, { KmsKeyId }) => {
      askForKey(keys, context, name, KmsKeyId);
      return { physicalId: name, attributes: attributes(context, name) };
    },
    delete: (context, name) => void groups.delete({ ...placeOf(context), name }),
  });
};

/**
 * Throws the error of CloudWatch Logs unless the key's policy lets CloudWatch Logs encrypt the log group with
 * it.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
const askForKey = (
  { authorizer, kms }: KeyAccess,
  { accountId, region }: { accountId: string; region: string },
  name: string,
  key: string | undefined,
): void => {
  if (key === undefined) return;
  const arn = `arn:aws:logs:${region}:${accountId}:log-group:${name}`;
  const service = `logs.${region}.amazonaws.com`;
  const mayUse = ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'].every(
    (action) =>
      authorizer.decide({
        caller: { kind: 'service', service, sourceArn: arn, sourceAccount: accountId },
        action,
        resource: key,
        resourceAccountId: key.split(':')[4] ?? '',
        resourcePolicy: kms.policy(key),
        secureTransport: true,
        context: { 'kms:encryptioncontext:aws:logs:arn': arn, 'kms:encryptioncontextkeys': ['aws:logs:arn'] },
      }).allowed,
  );
  if (!mayUse)
    throw new Error(
      `The specified KMS key does not exist or is not allowed to be used with Arn '${arn}' (InvalidParameterException)`,
    );
};
