/** Checks the options for platform teams against the region and partition of the stack. */
import { partitionOfArn, partitionOfRegion, regionOfArn } from './aws-syntax.ts';
import type { PlacedRule } from './placed.ts';
import type { Finding, Path } from './problem.ts';
import type { FileShape } from './schema.ts';

type StackShape = FileShape['stack'];

export const checkPlatform = (stack: StackShape, region: string): Finding[] => [
  ...checkPlace(['stack', 'permissionsBoundary'], stack.permissionsBoundary, region),
  ...checkPlace(['stack', 'kmsKeyArn'], stack.kmsKeyArn, region),
  ...checkPlace(['stack', 'alarms', 'topicArn'], stack.alarms.topicArn, region),
  ...checkAddress(stack),
  ...checkRepeated(['stack', 'vpc', 'subnetIds'], stack.vpc?.subnetIds),
  ...checkRepeated(['stack', 'vpc', 'securityGroupIds'], stack.vpc?.securityGroupIds),
];

/** Reports an ARN of another partition or region. The ARN of a policy has no region. */
function checkPlace(path: Path, arn: string | undefined, region: string): Finding[] {
  if (arn === undefined) return [];
  const wanted = partitionOfRegion(region);
  if (partitionOfArn(arn) !== wanted) {
    const found = `${arn}, which is in the partition ${partitionOfArn(arn)}, while the stack is in ${region} (${wanted})`;
    return [{ path, found, fix: `give an ARN that begins with arn:${wanted}:` }];
  }
  if (regionOfArn(arn) === '' || regionOfArn(arn) === region) return [];
  return [
    {
      path,
      found: `${arn}, which is in ${regionOfArn(arn)}, while the stack is in ${region}`,
      fix: `give an ARN of ${region}: the services of the stack use keys and topics of their own region only`,
    },
  ];
}

const checkAddress = ({ alarms }: StackShape): Finding[] =>
  alarms.topicArn === undefined || alarms.email === undefined
    ? []
    : [
        {
          path: ['stack', 'alarms', 'email'],
          found: 'an address beside an existing topic',
          fix: `remove the line and subscribe the address to the topic: aws sns subscribe --topic-arn ${alarms.topicArn} --protocol email --notification-endpoint ${alarms.email}`,
        },
      ];

const checkRepeated = (path: Path, ids: string[] = []): Finding[] =>
  ids.flatMap((id, position) =>
    ids.indexOf(id) === position
      ? []
      : [{ path: [...path, position], found: `${id} for a second time`, fix: 'remove the line' }],
  );

/** Finds settings of the network that are likely to cause failures later. */
export const platformWarnings = (
  { vpc }: StackShape,
  region: string,
  rules: readonly PlacedRule[],
): Finding[] => {
  if (vpc === undefined) return [];
  const path = ['stack', 'vpc', 'subnetIds'];
  const regions = rules.flatMap(({ rule }) => rule.destinations.map((destination) => destination.region));
  const others = [...new Set(regions)].filter((each) => each !== region);
  return [
    ...(vpc.subnetIds.length > 1
      ? []
      : [
          {
            path,
            found: 'one subnet, which is in one Availability Zone',
            fix: 'add a subnet of another zone: if the only one fails, nothing is replicated',
          },
        ]),
    ...(others.length === 0
      ? []
      : [
          {
            path,
            found: `a network, and destinations in ${others.join(', ')}`,
            fix: `make sure that the subnets reach S3 there, as through a NAT gateway: a gateway endpoint reaches S3 of ${region} only`,
          },
        ]),
  ];
};
