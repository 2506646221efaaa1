/**
 * The least that Node needs to copy objects through this machine over https: one GET piped into one PUT for each object, without the SDK,
 * signatures and checks. The buckets are public, and the keys are known in advance.
 */
import { mapConcurrently } from '../src/lib/model/concurrency.ts';
import { handler } from './functions/floor.ts';
import { keyOf } from './peers-buckets.ts';

const [from = '', to = '', count = '0', concurrency = '1'] = process.argv.slice(2);
const { AWS_ENDPOINT_URL: endpoint = '' } = process.env;
const keys = Array.from({ length: Number(count) }, (_, index) => keyOf(index));
await mapConcurrently(keys, Number(concurrency), async (key) => {
  await handler({ endpoint, sourceBucket: from, destinationBucket: to, keys: [key], parts: 1 });
});
