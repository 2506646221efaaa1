import type { Authorizer } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { type AwsRequest, type AwsService, requestKeys } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import { alarmArn, type Alarms, describeAlarms } from './alarms.ts';
import { getMetricData, type Place, putMetricData } from './metric-data.ts';
import type { MetricStore } from './metric-store.ts';

interface Host {
  store: MetricStore;
  alarms: Alarms;
  /** Adds the current values of the metrics that SQS and Lambda report. */
  sample(): void;
  iam: Authorizer;
  clock: Clock;
}

/**
 * The local CloudWatch. It has the metrics that functions log in the embedded metric format, the metrics of queues and functions, and
 * alarms on these metrics. Alarms have states, but do not carry out actions. The protocol is AWS JSON 1.0.
 */
export const createCloudWatch = (host: Host): AwsService => ({
  handle: async (request, response) => {
    const name = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
    if (operation === undefined) throw notSupported(`cloudwatch:${name}`);
    const input: unknown = JSON.parse((await readBody(request.body, MAX_BODY_BYTES)).toString() || '{}');
    const { caller, region } = request;
    const place = { accountId: 'accountId' in caller ? caller.accountId : '', region };
    authorize(host.iam, request, `cloudwatch:${name}`, operation.resource(place));
    host.sample();
    writeJson(response, operation.answer(host, place, input));
  },
});

const MAX_BODY_BYTES = 2 * 1024 * 1024;

const authorize = (iam: Authorizer, request: AwsRequest, action: string, resource: string): void => {
  const question = {
    caller: request.caller,
    action,
    resource,
    resourceAccountId: 'accountId' in request.caller ? request.caller.accountId : '',
    secureTransport: request.secureTransport,
    context: requestKeys(request),
  };
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw new AwsError('AccessDenied', accessDeniedMessage(question, decision.reason), { status: 403 });
};

interface Operation {
  /**
   * Returns the resource on which the caller needs the permission. It is `*` for calls about metrics, because metrics are not resources.
   */
  resource(place: Place): string;
  answer(host: Host, place: Place, input: unknown): object;
}

const anything = (): string => '*';
const anyAlarm = (place: Place): string => alarmArn(place, '*');

const OPERATIONS: Record<string, Operation> = {
  GetMetricData: {
    resource: anything,
    answer: ({ store }, place, input) => getMetricData(store, place, input),
  },
  PutMetricData: {
    resource: anything,
    answer: ({ store, clock }, place, input) => putMetricData(store, place, input, clock.now()),
  },
  DescribeAlarms: {
    resource: anyAlarm,
    answer: (host, place, input) => describeAlarms(host, place, input, host.clock.now()),
  },
  PutMetricAlarm: {
    resource: anyAlarm,
    answer: ({ alarms, clock }, place, input) => {
      alarms.put(place, isRecord(input) ? input : {}, clock.now());
      return {};
    },
  },
  DeleteAlarms: {
    resource: anyAlarm,
    answer: ({ alarms }, place, input) => {
      const names = isRecord(input) && Array.isArray(input.AlarmNames) ? input.AlarmNames : [];
      for (const name of names) alarms.delete(place, String(name));
      return {};
    },
  },
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
