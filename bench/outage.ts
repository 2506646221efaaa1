/**
 * Prints how a million messages wait for a destination that is away, the cost of a day of waiting, and how the messages drain. The code
 * is the deployed code, in model time.
 */
import { outageWorld, type Used } from '../tests/model/outage-world.ts';
import { type Figure, type Section, value } from './figure.ts';
import { functionCost, priceOfCall } from './prices.ts';

const OBJECTS = 1_000_000;
const SHORT_OBJECTS = 20_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export async function* measureOutage(_stand: unknown, isShort: boolean): AsyncGenerator<Section> {
  const objects = isShort ? SHORT_OBJECTS : OBJECTS;
  const count = objects.toLocaleString('en-US');
  const world = outageWorld();
  const began = await world.begin(objects);
  yield {
    title: `${count} messages arrive for a destination that denies its role, simulated`,
    figures: [
      value('waiting in the end', 'messages', world.queues.waitingFor.get('away')?.length ?? 0),
      value('most in flight', 'messages', began.inFlight),
      ...requests(began, 'sqs'),
    ],
  };
  for (const how of ['denied', 'hanging'] as const) {
    const day = await world.wait(DAY_MS, how);
    yield {
      title: `A day of ${count} waiting messages, simulated: the destination ${how === 'denied' ? 'denies its role' : 'does not answer'}`,
      figures: [
        value('most in flight', 'messages', day.inFlight),
        value('the schedule, for each invocation', 's', day.schedule.seconds / day.schedule.invocations),
        ...['sqs', 's3', 'dynamodb'].flatMap((service) => requests(day, service)),
        ...prices(day),
      ],
    };
  }
  const drained = await world.drain();
  const others = world.lags('other');
  yield {
    title: `${count} waiting messages drain, simulated: the destination is back`,
    figures: [
      value('time to the last replica', 's', drained.lastSeconds),
      value('objects replicated', 'objects', drained.replicated),
      value('dead letters', 'messages', world.dead.length),
      value('most in flight', 'messages', drained.inFlight),
      value(
        'another destination: p99 from event to replica',
        's',
        (others[Math.floor(others.length * 0.99)] ?? NaN) / 1_000,
      ),
      ...requests(drained, 'sqs'),
      value(
        'the schedule, for each invocation',
        's',
        drained.schedule.seconds / drained.schedule.invocations,
      ),
      value('SQS and the schedule, arrival included', 'US$', queuePrice(began) + queuePrice(drained)),
    ],
  };
}

const requests = ({ calls }: Used, service: string): Figure[] => [
  value(
    `${service}, all`,
    'calls',
    callsTo(calls, service).reduce((sum, [, count]) => sum + count, 0),
  ),
];

const callsTo = (calls: Used['calls'], service: string) =>
  [...calls].filter(([operation]) => operation.startsWith(`${service}:`));
const priceOf = ({ calls }: Used, service: string): number =>
  callsTo(calls, service).reduce((sum, [operation, count]) => sum + count * priceOfCall(operation), 0);

const prices = (used: Used): Figure[] => {
  const parts = {
    'the schedule': functionCost(used.schedule),
    SQS: priceOf(used, 'sqs'),
    'S3, each request as a PUT': priceOf(used, 's3'),
    DynamoDB: priceOf(used, 'dynamodb'),
  };
  return [
    ...Object.entries(parts),
    ['all', Object.values(parts).reduce((sum, part) => sum + part, 0)] as const,
  ].map(([what, price]) => value(`${what}, a day`, 'US$', price));
};

const queuePrice = (used: Used): number => functionCost(used.schedule) + priceOf(used, 'sqs');
