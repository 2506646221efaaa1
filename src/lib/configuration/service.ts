/** Turns the options of a bucket's access into the form of the model. */
import {
  accountOfArn,
  type RoleDestination,
  type S3Service,
  type ServiceDestination,
  type Source,
} from '../model/rule.ts';
import type { DestinationShape } from './destination-schema.ts';
import type { RuleShape } from './rule-schema.ts';

type Access =
  | Pick<RoleDestination, 'account' | 'externalId' | 'roleArn' | 'service'>
  | Pick<ServiceDestination, 'account' | 'conditionalWrites' | 'externalId' | 'roleArn' | 'service'>;

/** Returns how a destination is reached. The checks have made sure that it has either a secret, or a role with an external id. */
export const accessOf = (shape: DestinationShape): Access => {
  const { roleArn = '', externalId = '', account, conditionalWrites } = shape;
  const service = serviceOf(shape);
  return service === null
    ? { roleArn, externalId, account: account ?? accountOfArn(roleArn), service }
    : { roleArn: null, externalId: null, account: account ?? null, service, conditionalWrites };
};

/** The region for services that have no regions, like MinIO. */
const USUAL_REGION = 'us-east-1';

export const serviceOfSource = (shape: RuleShape['source']): Pick<Source, 'region' | 'service'> => ({
  region: shape.region ?? (shape.endpoint === undefined ? null : USUAL_REGION),
  service: serviceOf(shape),
});

const serviceOf = ({
  secretArn,
  endpoint,
  addressing,
}: Pick<DestinationShape, 'addressing' | 'endpoint' | 'secretArn'>): S3Service | null =>
  secretArn === undefined
    ? null
    : {
        endpoint: endpoint ?? null,
        addressing: addressing ?? (endpoint === undefined ? 'virtual' : 'path'),
        secretArn,
      };
