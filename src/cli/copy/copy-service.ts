/** Asks another S3 service which features it has, before anything is copied to it. */
import type { OpenBuckets } from '../../lib/aws/operator.ts';
import type { ReplicationConfiguration, ServiceDestination } from '../../lib/model/rule.ts';
import { isLikeAws, type ServiceAnswers } from '../../lib/model/service-answers.ts';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { RunSpec } from '../../lib/runs/run.ts';
import { refuseUnfit } from '../unfit-service.ts';

/** The options of `copy` that correspond to the settings of a rule, for the text of an error. */
const OPTIONS = {
  conditions: '--conditional-writes none',
  deletes: '--conditional-writes none',
  tags: '--no-tags',
  order: '--versions latest',
};

/** The configuration of the copy, and the answers of the destination's service; null if the service is AWS. */
interface Asked {
  configuration: ReplicationConfiguration;
  service: ServiceAnswers | null;
}

/**
 * Asks the service of the destination. If the service answers as AWS does, it is treated as AWS. For any other service, only the features
 * that it has are used. Throws {@link CliError} if it lacks a feature that the copy needs.
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
        // The copy uses the person's own credentials, so no secret is read.
        service: { endpoint, addressing: 'path', secretArn: '' },
        conditionalWrites,
      };
  refuseUnfit(service, { rule, destination: unlike }, isNamed ? OPTIONS : undefined);
  const destinations = [unlike];
  return { configuration: { ...configuration, rules: [{ ...rule, destinations }] }, service };
};

/** Returns notes for the person about the answers. */
export const serviceNotes = ({ answers, left }: ServiceAnswers): string[] => [
  ...(answers.checksums === 'yes'
    ? []
    : ['the service takes wrong checksums, so a copy is proven only where its ETag is an MD5.']),
  ...(left.length === 0 ? [] : [`the probe of the service could not remove ${left.join(', ')}.`]),
];
