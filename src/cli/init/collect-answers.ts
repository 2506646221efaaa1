import type { BucketFacts } from '../../lib/aws/s3/probe/look-at-bucket.ts';
import type { ParsedOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import type { Questions } from '../terminal/questions.ts';
import { type Answers, type Known, type Question, QUESTIONS } from './questions.ts';

/** The sources of answers, besides the options. */
export interface AnswerSources {
  /** Asks a person at the terminal; null if nobody is asked. */
  questions: Questions | null;
  /** Whether a question without an option gets the recommended answer. */
  takesProposed: boolean;
  /** The names of the account's buckets; null if they are not known. */
  bucketNames: readonly string[] | null;
  look(bucket: string): Promise<BucketFacts | null>;
  account: string | null;
  random: string;
  /** Called for each answer that is taken from the settings of a bucket. */
  onSeen(question: Question, answer: string): void;
}

/** Collects the answers to all questions. Throws {@link CliError} that names all missing options, or InterruptedError. */
export const collectAnswers = async (options: ParsedOptions, sources: AnswerSources): Promise<Answers> => {
  let known: Known = { ...sources, answers: NO_ANSWERS, source: null, destination: null };
  const missing: Question[] = [];
  for (const question of QUESTIONS) {
    if (question.arises?.(known) === false) continue;
    const answer = await answerTo(question, { options, known, sources });
    if (answer === null) missing.push(question);
    else known = await learn(known, question, answer, sources);
  }
  if (missing.length > 0)
    throw new CliError(
      'missing-answer',
      missing.map(({ flag, value, message }) => `--${flag} ${value} (${message})`).join('\n  '),
    );
  return known.answers;
};

const NO_ANSWERS: Answers = {
  source: '',
  region: '',
  prefix: '',
  'destination-account': '',
  destination: '',
  'destination-region': '',
  'create-bucket': '',
  versions: '',
  deletes: '',
  protection: '',
  'retention-days': '',
  'source-kms-key': '',
  'destination-kms-key': '',
  'alarm-email': '',
  'external-id': '',
  name: '',
};

const answerTo = async (
  question: Question,
  { options, known, sources }: { options: ParsedOptions; known: Known; sources: AnswerSources },
): Promise<string | null> => {
  const given = options.value(question.flag);
  if (given !== null) return given;
  const seen = question.seen?.(known) ?? null;
  if (seen !== null) {
    sources.onSeen(question, seen);
    return seen;
  }
  if (sources.takesProposed || question.isAsked === false) return question.proposed(known);
  if (sources.questions === null) return null;
  return await ask(question, known, sources.questions, sources.bucketNames);
};

const learn = async (
  known: Known,
  { flag }: Question,
  answer: string,
  { look }: AnswerSources,
): Promise<Known> => ({
  ...known,
  answers: { ...known.answers, [flag]: answer },
  ...(flag === 'source' || flag === 'destination' ? { [flag]: await look(answer) } : {}),
});

const ask = async (
  question: Question,
  known: Known,
  questions: Questions,
  bucketNames: readonly string[] | null,
): Promise<string> => {
  const { message, check } = question;
  const proposed = question.proposed(known);
  if (question.choices) return await questions.choose({ message, choices: question.choices, proposed });
  if (question.flag === 'source' && bucketNames !== null && bucketNames.length > 0) {
    const choices = [
      ...bucketNames.map((name) => ({ value: name, label: name })),
      { value: OTHER, label: 'another bucket' },
    ];
    const chosen = await questions.choose({ message, choices, proposed: null });
    if (chosen !== OTHER) return chosen;
  }
  return await questions.text({ message, proposed: proposed ?? '', check });
};

/** The choice of a bucket that is not listed. No bucket has this name. */
const OTHER = '';
