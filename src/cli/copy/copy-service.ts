/** Asks another S3 service what it can do, before anything is copied to it. */
import type { OpenBuckets } from '../../lib/aws/operator.ts';
import type { ReplicationConfiguration, ServiceDestination } from '../../lib/model/rule.ts';
import { isLikeAws, type ServiceAnswers } from '../../lib/model/service-answers.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { RunSpec } from '../../lib/runs/run.ts';
import { refuseUnfit } from '../unfit-service.ts';

/** What the options say instead of the settings of a rule. */
const OPTIONS = { conditions: '--conditional-writes none', tags: '--no-tags', order: '--versions latest' };

/** What is copied, and what the service of the destination answered; null: it is AWS. */
interface Asked {
  configuration: ReplicationConfiguration;
  service: ServiceAnswers | null;
}

/**
 * A service that answers as AWS does is treated as AWS. Any other one is written with what it can do. Throws {@link CliError} if it lacks what the
 * copy needs.
 */
export const askService = async (
  configuration: ReplicationConfiguration,
  spec: RunSpec,
  { opened, conditionalWrites }: { opened: OpenBuckets } & Pick<ServiceDestination, 'conditionalWrites'>,
): Promise<Asked> => {
  const { rule, destination, mapping } = scopeOf(configuration, spec);
  const { endpoint } = opened;
  if (destination.service === null && endpoint === null) return { configuration, service: null };
  const service = await opened.askService(destination, mapping.destinationPrefix);
  const isNamed = destination.service === null;
  if (isNamed && conditionalWrites === 'required' && isLikeAws(service)) return { configuration, service };
  const unlike: ServiceDestination = !isNamed
    ? destination
    : {
        ...destination,
        roleArn: null,
        externalId: null,
        account: null,
        // The credentials are those of the person, so no secret is read.
        service: { endpoint, addressing: 'path', secretArn: '' },
        conditionalWrites,
      };
  refuseUnfit(service, { rule, destination: unlike }, isNamed ? OPTIONS : undefined);
  const destinations = [unlike];
  return { configuration: { ...configuration, rules: [{ ...rule, destinations }] }, service };
};

/** Returns what a person has to know about the answers. */
export const serviceNotes = ({ answers, left }: ServiceAnswers): string[] => [
  ...(answers.checksums === 'yes'
    ? []
    : ['the service takes wrong checksums, so a copy is proven only where its ETag is an MD5.']),
  ...(left.length === 0 ? [] : [`the probe of the service could not remove ${left.join(', ')}.`]),
];
