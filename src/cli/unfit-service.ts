import { adviceFor, lackOf, QUESTIONS, type ServiceAnswers } from '../lib/model/service-answers.ts';
import type { RuleDestination } from '../lib/model/rule.ts';
import { CliError } from './terminal/errors.ts';

/**
 * Throws a {@link CliError} if the service of the destination lacks what the rule needs. `words` are the options or settings with which a
 * user can make the rule need less. Default: the settings of `replication.yml`.
 */
export const refuseUnfit = (
  answers: ServiceAnswers,
  { rule, destination }: RuleDestination,
  words?: Parameters<typeof adviceFor>[1],
): void => {
  const lacking = lackOf(answers, rule, destination);
  if (lacking.length === 0) return;
  const advice = adviceFor(lacking, words);
  const what = lacking.map((question) => QUESTIONS[question]).join('; ');
  throw new CliError(
    'unfit-service',
    `The S3 service of ${destination.bucket} does not do what is needed: ${what}.${advice === '' ? '' : ` With ${advice} it can be written all the same.`}`,
  );
};
