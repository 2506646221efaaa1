import type { Authorizer, Caller } from '../core/access.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import type { Clock } from '../core/clock.ts';
import type { LogGroupPlace } from '../logs/log-groups.ts';
import { parseMetricLine, type MetricLine } from './log-lines.ts';

/** A line that a function wrote. */
export interface LogLine {
  functionName: string;
  /** The invocation that wrote the line; null for output outside of an invocation. */
  requestId: string | null;
  line: string;
  /** False if the function's role may not write to its log group. In AWS, the line would then be lost. */
  delivered: boolean;
  /** The log group and stream to which the line belongs. */
  group: LogGroupPlace;
  stream: string;
}

export interface LogSink {
  write(line: string, requestId: string | null, environmentId: string | null): void;
  metrics(): MetricLine[];
  clear(): void;
}

const METRICS_KEPT = 100_000;

/**
 * Passes a function's output to `onLog` and stores the embedded metrics that it contains. As in AWS, metrics are lost if the function's
 * role does not allow logs:CreateLogStream and logs:PutLogEvents.
 */
export const createLogSink = (
  { iam, clock }: { iam: Authorizer; clock: Clock },
  configuration: () => FunctionConfiguration,
  roleCaller: () => Caller,
  onLog: (line: LogLine) => void,
): LogSink => {
  const metrics: MetricLine[] = [];
  return {
    write: (line, requestId, environmentId) => {
      const delivered = mayWriteLogs(iam, configuration(), roleCaller());
      const { functionName, accountId, region, logGroupName } = configuration();
      const group = { accountId, region, name: logGroupName };
      onLog({
        functionName,
        requestId,
        line,
        delivered,
        group,
        stream: streamOf(environmentId, clock.now()),
      });
      const metric = delivered ? parseMetricLine(line) : null;
      if (metric) metrics.push(metric);
      if (metrics.length > METRICS_KEPT) metrics.shift();
    },
    metrics: () => [...metrics],
    clear: () => {
      metrics.length = 0;
    },
  };
};

/** Returns the name of an environment's own log stream, for example `2026/11/30/[$LATEST]6f1c…`. */
const streamOf = (environmentId: string | null, nowMs: number): string => {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[$LATEST]${(environmentId ?? '').replaceAll('-', '').padStart(32, '0')}`;
};

const mayWriteLogs = (
  authorizer: Authorizer,
  configuration: FunctionConfiguration,
  caller: Caller,
): boolean => {
  const { accountId, region, logGroupName } = configuration;
  const resource = `arn:aws:logs:${region}:${accountId}:log-group:${logGroupName}:log-stream:current`;
  return ['logs:CreateLogStream', 'logs:PutLogEvents'].every(
    (action) =>
      authorizer.decide({ caller, action, resource, resourceAccountId: accountId, secureTransport: true })
        .allowed,
  );
};
