import { adviceFor, lackOf, QUESTIONS, type ServiceAnswers } from '../../lib/model/service-answers.ts';
import type { Seen } from './destination-seen.ts';
import type { Finding } from './finding.ts';

/** Returns the findings about the S3 service of a destination from the answers of a probe. */
export const serviceFindings = (one: Seen, answers: ServiceAnswers): Finding[] => {
  const lacking = lackOf(answers, one.rule, one.destination);
  const advice = adviceFor(lacking);
  return [
    lacking.length === 0
      ? one.ok('the service does what the rule needs')
      : one.found(
          'service-unfit',
          `nothing is replicated to this service, because it does not do this: ${lacking.map((each) => QUESTIONS[each]).join('; ')}`,
          one.edit(advice === '' ? 'use another service' : `write ${advice} for rule ${one.rule.id}`),
        ),
    ...(answers.answers.checksums === 'yes'
      ? []
      : [
          one.found(
            'service-checksums',
            'the service takes wrong checksums, so a replica is proven only where its ETag is an MD5',
            one.edit('use another service'),
          ),
        ]),
    ...(answers.left.length === 0
      ? []
      : [
          one.found(
            'probe-left',
            `the probe could not remove ${answers.left.join(', ')}`,
            one.edit('let the access key delete versions, or remove them by hand; nothing changes'),
          ),
        ]),
  ];
};
