import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { NAMESPACE, STANDARD_METRICS } from '../../src/lib/model/metrics.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { healthy, status } from '../cli/status-sources.ts';
import { fileWith } from '../configuration/yaml.ts';

const resourcesOf = (top: Record<string, unknown> = {}) =>
  stackOf(parseConfiguration(fileWith({ top }))).resources.Resources;

const bodySchema = z.object({
  widgets: z.array(
    z.object({
      type: z.string(),
      x: z.number(),
      y: z.number(),
      properties: z.looseObject({
        title: z.string().optional(),
        metrics: z.array(z.array(z.unknown())).optional(),
      }),
    }),
  ),
});

const bodyIn = (resources: ReturnType<typeof resourcesOf>) => {
  const { DashboardBody } = z
    .looseObject({ DashboardBody: z.object({ 'Fn::Sub': z.string() }) })
    .parse(resources['Dashboard']?.Properties);
  return bodySchema.parse(JSON.parse(DashboardBody['Fn::Sub']));
};

test('the dashboard shows each metric of each rule and destination, every alarm, and no metric that does not exist', () => {
  const resources = resourcesOf();
  const { widgets } = bodyIn(resources);
  const lines = widgets.flatMap(({ properties }) => properties.metrics ?? []);
  const own = lines.filter(([namespace]) => namespace === NAMESPACE);
  expect(new Set(own.map(([, metric]) => metric))).toEqual(new Set(STANDARD_METRICS));
  for (const [, , ...dimensions] of own)
    expect(dimensions.slice(0, 6)).toEqual([
      'SourceBucket',
      expect.any(String),
      'DestinationBucket',
      expect.any(String),
      'RuleId',
      expect.any(String),
    ]);
  const alarms = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
  const shown = widgets.find(({ type }) => type === 'alarm')?.properties['alarms'];
  expect(shown).toEqual(alarms.map(([id]) => `\${${id}.Arn}`));
  expect(new Set(widgets.map(({ x, y }) => `${x},${y}`)).size).toBe(widgets.length);
});

test('the dashboard shows every dead-letter queue of the stack', () => {
  const resources = resourcesOf();
  const shown = bodyIn(resources).widgets.flatMap(({ properties }) =>
    (properties.metrics ?? []).flatMap(([, metric, , name]) =>
      metric === 'ApproximateNumberOfMessagesVisible' ? [name] : [],
    ),
  );
  const queues = Object.values(resources).flatMap(({ Type, Properties = {} }) =>
    Type === 'AWS::SQS::Queue' && String(Properties['QueueName']).endsWith('-dlq')
      ? [Properties['QueueName']]
      : [],
  );
  expect(queues).not.toEqual([]);
  expect(queues.filter((name) => !shown.includes(name))).toEqual([]);
});

test('each alarm links to the dashboard, and `dashboard: false` leaves out both', () => {
  const descriptions = (resources: ReturnType<typeof resourcesOf>): string[] =>
    Object.values(resources).flatMap(({ Type, Properties = {} }) =>
      Type === 'AWS::CloudWatch::Alarm' ? [String(Properties['AlarmDescription'])] : [],
    );
  const link = 'console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/';
  for (const text of descriptions(resourcesOf())) {
    expect(text).toContain(link);
    expect(text.length).toBeLessThanOrEqual(1_024);
  }
  const without = resourcesOf({ stack: { dashboard: false } });
  expect(without['Dashboard']).toBeUndefined();
  for (const text of descriptions(without)) expect(text).not.toContain('Dashboard:');
});

test('failures by reason come from the logs, and with detailed metrics from the metrics', () => {
  const widgetOf = (metrics: string) =>
    bodyIn(resourcesOf({ stack: { metrics } })).widgets.find(
      ({ properties }) => properties.title === 'Failed by reason',
    );
  expect(widgetOf('standard')).toMatchObject({ type: 'log' });
  expect(JSON.stringify(widgetOf('detailed'))).toContain('SourceBucket,DestinationBucket,RuleId,Reason}');
});

test('the dashboard calls each column of status by the same name', async () => {
  const { widgets } = bodyIn(resourcesOf());
  // A line is shown under its label, not under the name of its metric.
  const texts = widgets.flatMap(({ properties: { title = '', metrics = [] } }) => [
    title,
    ...metrics.map((line) => String(Object(line.at(-1)).label ?? '')),
  ]);
  const { out } = await status(healthy(), [], { columns: 80 });
  const [, header = ''] = out.split('\n');
  const names = ['lag', 'p50', 'p99', 'pending', 'oldest', 'failed'];
  expect(names.filter((name) => !header.toLowerCase().includes(name))).toEqual([]);
  expect(names.filter((name) => !texts.some((text) => text.toLowerCase().includes(name)))).toEqual([]);
});
