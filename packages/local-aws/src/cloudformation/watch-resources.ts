import { z } from 'zod';
import type { Alarms } from '../cloudwatch/alarms.ts';
import type { Clock } from '../core/clock.ts';
import type { LogGroups } from '../logs/log-groups.ts';
import type { Provider } from './provider.ts';
import { alreadyExists, defineResourceType, inert } from './resource-type.ts';

/** The resource types of CloudWatch and CloudWatch Logs. */
export const watchProviders = (services: {
  alarms: Alarms;
  logGroups: LogGroups;
  clock: Clock;
}): Record<string, Provider> => ({
  'AWS::CloudWatch::Alarm': alarmProvider(services),
  'AWS::Logs::LogGroup': logGroupProvider(services.logGroups),
});

/** The properties are checked as those of PutMetricAlarm, with which the alarm is created. */
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

const placeOf = ({ accountId, region }: { accountId: string; region: string }) => ({ accountId, region });

const logGroupProvider = (groups: LogGroups): Provider => {
  const attributes = (place: { accountId: string; region: string }, name: string) => ({
    Arn: `arn:aws:logs:${place.region}:${place.accountId}:log-group:${name}:*`,
  });
  return defineResourceType({
    properties: z.strictObject({
      LogGroupName: z.string().optional(),
      RetentionInDays: inert,
      KmsKeyId: inert,
      LogGroupClass: inert,
      Tags: inert,
      DeletionProtectionEnabled: inert,
    }),
    replacedBy: ['LogGroupName'],
    create: (context, { LogGroupName: name = context.generatedName }) => {
      if (!groups.create({ ...placeOf(context), name })) throw alreadyExists(context, name);
      return { physicalId: name, attributes: attributes(context, name) };
    },
    update: (context, name) => ({ physicalId: name, attributes: attributes(context, name) }),
    delete: (context, name) => void groups.delete({ ...placeOf(context), name }),
  });
};
