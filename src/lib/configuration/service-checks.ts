/** Checks the buckets that are reached with an access key instead of a role. */
import { partitionOfArn, partitionOfRegion, REGION } from './aws-syntax.ts';
import type { Finding, Path } from './problem.ts';
import type { DestinationShape } from './destination-schema.ts';
import type { RuleShape } from './rule-schema.ts';

type Place = Pick<
  DestinationShape,
  'addressing' | 'bucket' | 'endpoint' | 'insecureHttp' | 'region' | 'roleArn' | 'externalId' | 'secretArn'
>;
type SourceShape = RuleShape['source'];

/**
 * Returns a text that is the same for the same bucket. Buckets of different services are different. Within an AWS partition, a name
 * belongs to one bucket.
 */
export const placeOf = ({ bucket, endpoint, region, secretArn }: Place | SourceShape): string =>
  endpoint !== undefined
    ? `${new URL(endpoint).host} ${bucket}`
    : secretArn === undefined
      ? bucket
      : `${partitionOfRegion(region ?? '')} ${bucket}`;

export const checkServiceSource = (path: Path, source: SourceShape, region: string): Finding[] => {
  const at = (name: string, found: string, fix: string): Finding => ({ path: [...path, name], found, fix });
  if (source.secretArn === undefined)
    return [
      ...strayOptions(path, source),
      ...(source.region === undefined
        ? []
        : [
            at(
              'region',
              'a region without a secret',
              'remove the line: the bucket is in the region of the stack',
            ),
          ]),
      ...(source.events === 'none'
        ? [
            at(
              'events',
              '`none` without `secretArn:`',
              'write `s3` or `eventbridge`: S3 announces the changes of its buckets',
            ),
          ]
        : []),
    ];
  const key = source.kmsKeyArn === undefined && source.kmsKeyArns.length === 0 ? null : 'kmsKeyArn';
  return [
    ...checkService(path, source, region),
    ...(source.events === 'none'
      ? []
      : [
          at(
            'events',
            `\`${source.events}\` beside a secret`,
            'write `events: none`: such a bucket is read only by runs and by `copy`',
          ),
        ]),
    ...(key === null
      ? []
      : [at(key, 'a KMS key beside a secret', 'remove the line: the owner of the access key decrypts')]),
  ];
};

export const checkServiceDestination = (
  path: Path,
  { rule, destination }: { rule: RuleShape; destination: DestinationShape },
  region: string,
): Finding[] => {
  const at = (name: string, found: string, fix: string): Finding => ({ path: [...path, name], found, fix });
  const { secretArn, conditionalWrites, endpoint, encryption = '', kmsKeyArn } = destination;
  if (secretArn === undefined)
    return [
      ...strayOptions(path, destination),
      ...(conditionalWrites === 'none'
        ? [
            at(
              'conditionalWrites',
              '`none` without `secretArn:`',
              'remove the line: S3 checks the conditions of writes',
            ),
          ]
        : []),
    ];
  const service = endpoint === undefined ? 'another partition' : 'another service';
  return [
    ...checkService(path, destination, region),
    ...(endpoint !== undefined && (kmsKeyArn !== undefined || encryption.startsWith('aws:kms'))
      ? [
          at(
            kmsKeyArn === undefined ? 'encryption' : 'kmsKeyArn',
            'a KMS key beside an endpoint',
            'remove the line: keys of AWS KMS encrypt in AWS only; set up the default encryption of the bucket there',
          ),
        ]
      : []),
    ...(rule.copy === 'server-side'
      ? [
          at(
            'secretArn',
            `${service}, while the rule says \`copy: server-side\``,
            'write `copy: auto` in the rule: no service copies from another one',
          ),
        ]
      : []),
    ...(rule.acl === 'replicate'
      ? [
          at(
            'secretArn',
            `${service}, while the rule says \`acl: replicate\``,
            'write `acl: ignore` in the rule: the grantees of the source do not exist there',
          ),
        ]
      : []),
  ];
};

/** Reports options that have a meaning only beside a secret. */
const strayOptions = (path: Path, place: Place | SourceShape): Finding[] =>
  (['endpoint', 'addressing'] as const).flatMap((name) =>
    place[name] === undefined
      ? []
      : [
          {
            path: [...path, name],
            found: `\`${name}:\` without \`secretArn:\``,
            fix: 'add the secret with the access key of the service, or remove the line',
          },
        ],
  );

const checkService = (path: Path, place: Place | SourceShape, region: string): Finding[] => {
  const at = (name: string, found: string, fix: string): Finding => ({ path: [...path, name], found, fix });
  const { secretArn = '', endpoint } = place;
  return [
    ...(['roleArn', 'externalId'] as const).flatMap((name) =>
      place[name] === undefined
        ? []
        : [
            at(
              name,
              'a role beside a secret',
              'remove one of the two: a bucket is reached either with a role or with an access key',
            ),
          ],
    ),
    ...(partitionOfArn(secretArn) === partitionOfRegion(region)
      ? []
      : [
          at(
            'secretArn',
            `a secret in ${partitionOfArn(secretArn)}, while the stack is in ${region}`,
            'the functions can read secrets of their own partition only: create the secret there',
          ),
        ]),
    ...(endpoint === undefined
      ? REGION.test(place.region ?? '')
        ? []
        : [
            at(
              'region',
              `no region of AWS and no endpoint`,
              'add `endpoint:`, or give the AWS region of the bucket',
            ),
          ]
      : checkEndpoint(path, endpoint, place)),
  ];
};

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const checkEndpoint = (
  path: Path,
  endpoint: string,
  { insecureHttp, addressing }: Place | SourceShape,
): Finding[] => {
  const at = (found: string, fix: string): Finding => ({ path: [...path, 'endpoint'], found, fix });
  const { protocol, hostname, pathname, search, hash, username } = new URL(endpoint);
  if (username !== '' || pathname !== '/' || search !== '' || hash !== '')
    return [
      at(
        'more than a host and a port',
        'write only https://host or https://host:port: the bucket stands in `bucket:`, the access key in the secret',
      ),
    ];
  const isNumber = /^[\d.]+$|^\[/.test(hostname);
  return [
    ...(protocol === 'http:' && !insecureHttp && !LOOPBACK.test(hostname)
      ? [
          at(
            'an endpoint without TLS',
            'write https://, or add `insecureHttp: true` if nobody else is on the way',
          ),
        ]
      : []),
    ...(addressing === 'virtual' && isNumber
      ? [
          {
            path: [...path, 'addressing'],
            found: '`virtual` beside an IP address',
            fix: 'write `addressing: path`: a bucket cannot stand before an IP address',
          },
        ]
      : []),
  ];
};
