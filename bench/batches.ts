/**
 * Measures the gain from larger batches (`stack.batchWindowSeconds`): objects per second of one environment, its memory, and the price of
 * Lambda. With large batches the answers are no longer waited for, so the CPU time of an object decides: its rate stands beside the rate.
 */
import { cost, rate, type Section, value } from './figure.ts';
import { functionCost } from './prices.ts';
import { BATCH_SIZE, runSeries, SERVICE_DELAY_MS } from './small-objects.ts';
import type { Stand } from './stand.ts';

/** The batch size without a window, a size in between, and the default size with a window. */
const SIZES = [BATCH_SIZE, 30, 100];
const SMALL = { sizeBytes: 1_024, partBytes: 0 };
const MILLION = 1e6;

export async function* measureBatches(stand: Stand, isShort: boolean): AsyncGenerator<Section> {
  await stand.counterpart.setDelay(SERVICE_DELAY_MS);
  try {
    const figures = [];
    for (const batchSize of isShort ? [SIZES[0]!, SIZES[2]!] : SIZES) {
      // The warm-up has the same number of objects for all sizes.
      const batches = Math.ceil((isShort ? 200 : 2_000) / batchSize);
      const effort = { warmUpBatches: batches, batches, rounds: isShort ? 1 : 5 };
      const series = await runSeries(stand, {
        code: stand.artifact.replicate,
        event: (jobs) => stand.replicateEvent(jobs),
        object: SMALL,
        effort,
        batchSize,
      });
      const prices = series.objectsPerSecond.map((perSecond) =>
        functionCost({ seconds: MILLION / perSecond, invocations: MILLION / batchSize }),
      );
      const isLargest = batchSize === SIZES.at(-1);
      const name = `batches of ${batchSize}`;
      figures.push(
        {
          ...rate(`${name}: rate`, 'objects/s', series.objectsPerSecond),
          ...(isLargest && { aim: '> 300' }),
        },
        rate(`${name}: rate, had no other program used the cores`, 'objects/s', series.unhinderedPerSecond),
        cost(`${name}: CPU`, 'CPU-ms/object', series.cpuMsPerObject),
        rate(
          `${name}: most that one core can do at this CPU time`,
          'objects/s',
          series.cpuMsPerObject.map((ms) => 1_000 / ms),
        ),
        value(`${name}: peak RSS`, 'MB', series.peakRssBytes / 1e6, '< 256 MB'),
        cost(`${name}: Lambda, per million objects`, 'US$', prices),
      );
    }
    yield {
      title: `Objects of 1 KiB in larger batches, one environment, https, each call to S3 and DynamoDB taking ${SERVICE_DELAY_MS} ms longer`,
      figures,
    };
  } finally {
    await stand.counterpart.setDelay(0);
  }
}
