/** Runs `npm run bench`, which measures the packaged functions and prints the figures. */
import { cpus } from 'node:os';
import { makeArtifact } from './artifact.ts';
import { measureBackfill } from './backfill.ts';
import { measureBatches } from './batches.ts';
import { countCalls, deployArtifact } from './calls.ts';
import { measureBundle, measureColdStart } from './cold-start.ts';
import { estimateCosts } from './costs.ts';
import { formatSection, type Section } from './figure.ts';
import { measureHotKey } from './hot-key.ts';
import { countInside } from './inside.ts';
import { measureLargeObjects, measureMemory, measureTransfer } from './large-objects.ts';
import { measureLag } from './lag.ts';
import { measureListing } from './listing.ts';
import { measureLocalS3 } from './local-s3.ts';
import { measurePeers } from './peers.ts';
import { measureNeighbours } from './neighbours.ts';
import { HELP, type Options, parseOptions, type Part } from './options.ts';
import { measureOutage } from './outage.ts';
import { measurePipeline } from './pipeline.ts';
import { measureSmallObjects } from './small-objects.ts';
import { measureStack } from './stack.ts';
import { openStand, type Stand } from './stand.ts';
import { measureWastedBytes } from './wasted-bytes.ts';

const main = async (argv: string[]): Promise<number> => {
  let options: Options | 'help';
  try {
    options = parseOptions(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (options === 'help') console.log(HELP);
  else await run(options);
  return 0;
};

const run = async (options: Options): Promise<void> => {
  const { isShort, json } = options;
  const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`;
  if (!json) console.log(`${machine}. GB and MB are powers of ten.`);
  const sections: Section[] = [];
  for await (const section of options.peers ? measurePeers(isShort) : measureParts(options)) {
    if (json) sections.push(section);
    else console.log(`\n${formatSection(section)}`);
  }
  if (json) console.log(JSON.stringify({ machine, isShort, sections }, null, 2));
};

const measureParts = async function* ({ parts, isShort }: Options): AsyncGenerator<Section> {
  await using cleanUp = new AsyncDisposableStack();
  const artifact = await makeArtifact();
  cleanUp.defer(() => artifact.remove());
  const stand = await openStand(artifact);
  cleanUp.defer(() => stand.stop());
  for (const part of parts) yield* MEASURE[part](stand, isShort);
};

const MEASURE: Record<Part, (stand: Stand, isShort: boolean) => AsyncGenerator<Section>> = {
  bundle: async function* ({ artifact }) {
    yield await measureBundle(artifact);
  },
  'cold-start': async function* (stand, isShort) {
    yield await measureColdStart(stand, isShort);
  },
  calls: async function* ({ artifact }, isShort) {
    await using accounts = await deployArtifact(artifact);
    yield* countCalls(accounts);
    yield await measureNeighbours(accounts, isShort);
    yield* measureHotKey(accounts, isShort);
    yield await measurePipeline(accounts, isShort);
  },
  small: measureSmallObjects,
  batches: measureBatches,
  backfill: async function* ({ artifact }, isShort) {
    yield await measureBackfill(artifact, isShort);
  },
  large: measureLargeObjects,
  memory: async function* (stand, isShort) {
    yield await measureMemory(stand, isShort);
    if (isShort) return;
    await using accounts = await deployArtifact(stand.artifact);
    yield await measureTransfer(stand, accounts);
  },
  inside: async function* ({ artifact }, isShort) {
    await using accounts = await deployArtifact(artifact);
    yield* countInside(accounts, isShort);
  },
  costs: estimateCosts,
  faults: async function* ({ artifact }, isShort) {
    yield* measureWastedBytes(artifact, isShort);
  },
  'local-s3': (_stand, isShort) => measureLocalS3(isShort),
  listing: (_stand, isShort) => measureListing(isShort),
  lag: measureLag,
  outage: measureOutage,
  stack: measureStack,
};

process.exitCode = await main(process.argv.slice(2));
