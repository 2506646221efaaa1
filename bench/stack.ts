/**
 * Prints the cost of the hints of one key with many versions while the versions are replicated. The code is the deployed code, in model
 * time.
 */
import { replicateStack } from '../tests/model/stack-world.ts';
import { type Figure, type Section, value } from './figure.ts';
import { priceOfCall } from './prices.ts';

const VERSIONS = [2_500, 5_000, 10_000];
const SHORT_VERSIONS = [250, 500, 1_000];
const MANY = 100_000;

export async function* measureStack(_stand: unknown, isShort: boolean): AsyncGenerator<Section> {
  const figures: Figure[] = [];
  const lists: { versions: number; calls: number }[] = [];
  for (const versions of isShort ? SHORT_VERSIONS : VERSIONS) {
    const { calls, seconds, sentAgain, dead } = await replicateStack(versions);
    const named = `${versions.toLocaleString('en-US')} versions: `;
    lists.push({ versions, calls: calls('s3:source.history') });
    figures.push(
      value(`${named}ListObjectVersions`, 'calls', calls('s3:source.history')),
      value(`${named}PutObject`, 'calls', calls('s3:destination.put')),
      value(`${named}messages sent again`, 'messages', sentAgain),
      value(`${named}dead letters`, 'messages', dead.length),
      value(`${named}to the end of the last hint`, 's', seconds),
    );
  }
  const growth = exponentOf(lists[0], lists.at(-1));
  const atMany = (lists.at(-1)?.calls ?? 0) * (MANY / (lists.at(-1)?.versions ?? 1)) ** growth;
  yield {
    title: 'All versions of one key are there when their hints come, in batches of 10, simulated',
    figures: [
      ...figures,
      value('growth of ListObjectVersions: calls ~ versions to the power of', '', growth),
      value(`for ${MANY.toLocaleString('en-US')} versions, extrapolated`, 'calls', atMany),
      value(
        `for ${MANY.toLocaleString('en-US')} versions, extrapolated`,
        'US$',
        atMany * priceOfCall('s3:ListObjectVersions'),
      ),
    ],
  };
}

type Point = { versions: number; calls: number } | undefined;

const exponentOf = (one: Point, other: Point): number =>
  one === undefined || other === undefined
    ? NaN
    : Math.log(other.calls / one.calls) / Math.log(other.versions / one.versions);
