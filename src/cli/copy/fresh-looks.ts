/**
 * Takes the fresh look at the source, which follows every write, for many keys with one listing
 * (`decisions/050-fresh-looks-by-listing.md`). A HEAD for each key would cost a copy a third of its CPU.
 */
import { justBefore } from '../../lib/aws/s3/listing/neighbours.ts';
import { compareKeys } from '../../lib/listing/key-order.ts';
import type { ListedVersion, ListPage } from '../../lib/listing/page.ts';
import type { ObjectState } from '../../lib/model/ports.ts';

export interface FreshLooks {
  /**
   * Resolves to true if a listing that began after the call shows this version of the key. False proves nothing: the caller has to look
   * at the key itself.
   */
  stillShows(key: string, version: ObjectState): Promise<boolean>;
}

interface Waiting {
  key: string;
  version: ObjectState;
  answer(isShown: boolean): void;
}

interface Options {
  listPage: ListPage<ListedVersion>;
  prefix: string;
  /** The time of the source's server, with an error of at most five minutes. */
  serverNow(): number;
  sleep(ms: number): Promise<void>;
}

/**
 * How old a version must be. S3 lists times in whole seconds. If two versions with the same bytes were written within one second, a
 * listing does not tell which of them it shows. The value is twice the error that {@link Options.serverNow} may have.
 */
const SETTLED_MS = 10 * 60_000;
/** Maximum time for which keys are gathered for one listing. */
const GATHERED_MS = 100;
/** How many keys are enough for a listing to start at once. */
const ENOUGH = 100;
/** Maximum number of keys that may wait. Each may hold a body of 64 KiB. */
const MAX_WAITING = 4 * ENOUGH;
/** Minimum number of keys that a page must answer. If a page answers fewer, the keys are far apart, and a HEAD of each key costs less. */
const WORTHWHILE = 4;

export const createFreshLooks = (options: Options): FreshLooks => {
  let waiting: Waiting[] = [];
  let open = 0;
  let isGathering = false;
  const gather = async (): Promise<void> => {
    isGathering = true;
    for (let slept = 0; slept < GATHERED_MS && waiting.length < ENOUGH; slept += GATHERED_MS / 4)
      await options.sleep(GATHERED_MS / 4);
    const batch = waiting;
    waiting = [];
    isGathering = false;
    await answerAll(batch, options);
  };
  return {
    async stillShows(key, version) {
      const isSettled = version.lastModifiedMs < options.serverNow() - SETTLED_MS;
      if (!isSettled || open >= MAX_WAITING) return false;
      open += 1;
      const isShown = await new Promise<boolean>((answer) => {
        waiting.push({ key, version, answer });
        if (!isGathering) void gather();
      });
      open -= 1;
      return isShown;
    },
  };
};

const answerAll = async (batch: readonly Waiting[], { listPage, prefix }: Options): Promise<void> => {
  let rest = batch.toSorted((one, other) => compareKeys(one.key, other.key));
  try {
    for (let [first] = rest; first !== undefined; [first] = rest) {
      const maxKeys = Math.min(1_000, Math.ceil(rest.length * 1.2) + 1);
      const { entries, next } = await listPage({
        prefix,
        after: { key: justBefore(first.key), versionId: null },
        maxKeys,
      });
      const listed = new Map([...entries].map((entry) => [entry.key, entry]));
      const upTo = next === null ? null : (entries.at(-1)?.key ?? '');
      const isOver = ({ key }: Waiting): boolean => upTo === null || compareKeys(key, upTo) <= 0;
      const answered = rest.filter(isOver);
      for (const { key, version, answer } of answered) answer(isSame(listed.get(key), version));
      rest = rest.filter((each) => !isOver(each));
      if (answered.length < WORTHWHILE) break;
    }
  } catch {
    // The failure may be temporary. The looks at the single keys show whether it lasts.
  }
  for (const { answer } of rest) answer(false);
};

const isSame = (
  listed: ListedVersion | undefined,
  { etag, lastModifiedMs, attributes }: ObjectState,
): boolean =>
  listed !== undefined &&
  listed.etag === etag &&
  Math.floor(listed.lastModifiedMs / 1_000) === Math.floor(lastModifiedMs / 1_000) &&
  listed.storageClass === (attributes.storageClass ?? 'STANDARD');
