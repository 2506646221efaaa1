/** The abilities of an S3 service, as a probe has found them out. */
import type { Destination, ReplicationRule } from './rule.ts';

/** The questions of the probe. Each is answered with `yes`, `no`, or `unknown` if it could not be asked. */
export const QUESTIONS = {
  creates: 'PutObject with If-None-Match: * is refused if there is an object, even one written meanwhile',
  replaces: 'PutObject with If-Match is accepted if the ETag is right',
  refusesStale: 'PutObject with If-Match is refused if the ETag is wrong, or was changed meanwhile',
  completes: 'CompleteMultipartUpload checks If-None-Match: * and If-Match',
  deletes: 'DeleteObject with If-Match is refused if the ETag is wrong, and only then',
  checksums: 'a wrong CRC32 is refused',
  md5: 'a wrong Content-MD5 is refused',
  stored: 'the checksum of an object is stored and shown',
  trailers: 'a checksum is accepted in a trailer',
  tags: 'tags are stored with the object',
  pages: 'a listing in pages has every key once, in order',
  createsOverMarkers: 'PutObject with If-None-Match: * is accepted over a delete marker',
  order: 'versions and delete markers are listed in one list, the newest first',
} as const;

export type Question = keyof typeof QUESTIONS;

export type ServiceAnswer = 'no' | 'unknown' | 'yes';

/** Reads stored answers. A question that was not asked when the answers were stored gets the answer `unknown`. */
export const answersOf = (answerTo: (question: string) => unknown): ServiceAnswers['answers'] => {
  const read = (question: Question): ServiceAnswer => {
    const answer = answerTo(question);
    return answer === 'yes' || answer === 'no' ? answer : 'unknown';
  };
  return {
    creates: read('creates'),
    replaces: read('replaces'),
    refusesStale: read('refusesStale'),
    completes: read('completes'),
    deletes: read('deletes'),
    checksums: read('checksums'),
    md5: read('md5'),
    stored: read('stored'),
    trailers: read('trailers'),
    tags: read('tags'),
    pages: read('pages'),
    createsOverMarkers: read('createsOverMarkers'),
    order: read('order'),
  };
};

export interface ServiceAnswers {
  answers: Record<Question, ServiceAnswer>;
  /** Whether the bucket keeps versions. The last two questions are asked only then. */
  isVersioned: boolean;
  /** When the service was asked, milliseconds since the epoch. */
  askedMs: number;
  /** Keys and versions that the probe wrote and could not remove. */
  left: string[];
}

/** The questions that must be answered with `yes`. Otherwise an older state could replace a newer one at the destination. */
const CONDITIONS: readonly Question[] = ['creates', 'replaces', 'refusesStale', 'completes', 'deletes'];

/** Returns the abilities that the rule needs and the service lacks. If there are any, nothing is replicated to the service. */
export const lackOf = (
  { answers, isVersioned }: Pick<ServiceAnswers, 'answers' | 'isVersioned'>,
  rule: Pick<ReplicationRule, 'deletes' | 'tags' | 'versions'>,
  destination: Destination,
): Question[] => {
  if (destination.service === null) return [];
  const isConditional = destination.conditionalWrites === 'required';
  const needed: Question[] = [
    ...(isConditional ? CONDITIONS.filter((each) => each !== 'deletes' || rule.deletes === 'replicate') : []),
    ...(rule.tags === 'replicate' ? (['tags'] as const) : []),
    ...(rule.versions === 'all' && isVersioned ? (['order'] as const) : []),
  ];
  const lacking = needed.filter((question) => answers[question] !== 'yes');
  // Answers that an earlier release stored do not answer `pages`. So only `no` counts as lacking.
  return answers.pages === 'no' ? [...lacking, 'pages'] : lacking;
};

/** The settings of `replication.yml` that require less of a service. */
const SETTINGS = {
  conditions: '`conditionalWrites: none`',
  // A rule without deletes needs nothing else if only the conditions of deletes are not kept.
  deletes: '`conditionalWrites: none` or `deletes: ignore`',
  tags: '`tags: ignore`',
  order: '`versions: latest`',
};

/**
 * Returns the settings of `replication.yml` with which the service would be sufficient. Returns an empty text if no setting
 * helps, for example if the service cannot list in pages. `words` are the texts that a user writes for the settings.
 */
export const adviceFor = (lacking: readonly Question[], words: typeof SETTINGS = SETTINGS): string =>
  (lacking.includes('pages')
    ? []
    : [
        ...adviceForConditions(lacking, words),
        ...(lacking.includes('tags') ? [words.tags] : []),
        ...(lacking.includes('order') ? [words.order] : []),
      ]
  ).join(' and ');

const adviceForConditions = (lacking: readonly Question[], words: typeof SETTINGS): string[] => {
  const conditions = lacking.filter((each) => CONDITIONS.includes(each));
  if (conditions.length === 0) return [];
  return [conditions.every((each) => each === 'deletes') ? words.deletes : words.conditions];
};

/** Returns true if the service answered as AWS does. Two of the questions are asked only if the bucket keeps versions. */
export const isLikeAws = ({
  answers,
  isVersioned,
}: Pick<ServiceAnswers, 'answers' | 'isVersioned'>): boolean =>
  Object.entries(answers).every(
    ([question, answer]) => answer === 'yes' || (!isVersioned && OF_VERSIONS.includes(question)),
  );

const OF_VERSIONS: readonly string[] = ['createsOverMarkers', 'order'] satisfies Question[];
