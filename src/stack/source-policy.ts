/**
 * The permissions that the owner of a source bucket grants so that S3 itself can copy from the bucket. They are granted to the
 * role that writes at the destination. This role is in another account, so both accounts must allow the access.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html
 */
import { partitionOfRegion } from '../lib/configuration/aws-syntax.ts';
import type { Configuration } from '../lib/configuration/configuration.ts';
import { coverWithoutOverlap } from '../lib/subscription/key-filter.ts';
import { copiesInsideS3, type ReplicationRule } from '../lib/model/rule.ts';
import { plainStart, type Statement } from './cloudformation.ts';

export interface SourcePolicies {
  /** For each source bucket, the statements that its bucket policy needs. */
  buckets: { bucket: string; statements: Statement[] }[];
  /** For each KMS key that encrypts source objects, the statement that its key policy needs. */
  keys: { keyArn: string; statement: Statement }[];
  /** For each destination role, the parameters that its stack of `destination/template.yml` needs. */
  destinations: {
    roleArn: string;
    buckets: string[];
    parameters: { SourceBucketName: string; SourceKmsKeyArn: string; SourceBucketAccount?: string };
  }[];
  /** Ids of the rules that stream all bytes through the function, no matter what is granted. */
  streamed: string[];
}

/** Returns the policies for `rules`, which are rules of this configuration. */
export const sourcePolicies = (configuration: Configuration, rules: ReplicationRule[]): SourcePolicies => {
  const copied = rules.filter((rule) => rule.destinations.some((each) => copiesInsideS3(rule, each)));
  const pairs = copied.flatMap((rule) =>
    rule.destinations.flatMap(({ roleArn }) => (roleArn === null ? [] : { rule, roleArn })),
  );
  const { region } = configuration.deployment;
  const roleArns = [...new Set(pairs.map(({ roleArn }) => roleArn))];
  const keyArns = roleArns.length === 0 ? [] : configuration.stack.sourceKmsKeyArns;
  return {
    buckets: Array.from(
      Map.groupBy(pairs, ({ rule }) => rule.source.bucket),
      ([bucket, ofBucket]) => ({ bucket, statements: bucketStatements(bucket, ofBucket, region) }),
    ),
    keys: keyArns.map((keyArn) => ({ keyArn, statement: keyStatement(roleArns, region) })),
    destinations: roleArns.map((roleArn) => destinationOf(roleArn, copied, keyArns)),
    streamed: rules.filter((rule) => !copied.includes(rule)).map(({ id }) => id),
  };
};

const destinationOf = (
  roleArn: string,
  copied: ReplicationRule[],
  keyArns: string[],
): SourcePolicies['destinations'][number] => {
  const written = copied.flatMap(({ source, destinations }) =>
    destinations
      .filter((one) => one.roleArn === roleArn)
      .map(({ bucket }) => ({ source: source.bucket, account: source.account, bucket })),
  );
  const accounts = unique(written.flatMap(({ account }) => account ?? []));
  return {
    roleArn,
    buckets: unique(written.map(({ bucket }) => bucket)),
    parameters: {
      SourceBucketName: unique(written.map(({ source }) => source)).join(),
      SourceKmsKeyArn: keyArns.join(),
      ...(accounts.length === 0 ? {} : { SourceBucketAccount: accounts.join() }),
    },
  };
};

const unique = (values: string[]): string[] => [...new Set(values)];

/**
 * The actions that are granted on objects. According to S3's documentation, the permission to read tags is not necessary, because
 * the function sends the tags with the copy. The permission is granted nevertheless, to be safe. It reveals nothing that the
 * replicas do not show.
 */
const READ = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'];

/** Returns one statement for each set of permissions, for all roles that need it. */
const bucketStatements = (
  bucket: string,
  pairs: { rule: ReplicationRule; roleArn: string }[],
  region: string,
): Statement[] => {
  const byRole = Map.groupBy(pairs, ({ roleArn }) => roleArn);
  const grants = Array.from(byRole, ([roleArn, ofRole]) => {
    const cover = coverWithoutOverlap(ofRole.map(({ rule }) => ({ prefix: rule.source.prefix, suffix: '' })));
    const arns = cover.map(({ prefix }) => regionalObjectsArn(bucket, prefix, region));
    return { roleArn, resource: unique(arns) };
  });
  return [...Map.groupBy(grants, ({ resource }) => resource.join()).values()].map((alike, index) => ({
    Sid: `S3ReplicatorCopies${index === 0 ? '' : index + 1}`,
    Effect: 'Allow',
    ...onlyRoles(alike.map(({ roleArn }) => roleArn)),
    Action: READ,
    Resource: alike[0]?.resource,
  }));
};

/**
 * Names the roles by a condition instead of as principals. AWS refuses a policy whose principal does not exist yet. AWS also
 * replaces a principal by its id, and a role that is created again under the same name has another id.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
 */
const onlyRoles = (roleArns: string[]): Required<Pick<Statement, 'Principal' | 'Condition'>> => ({
  Principal: { AWS: unique(roleArns.map(accountRoot)) },
  Condition: { ArnEquals: { 'aws:PrincipalArn': roleArns } },
});

const accountRoot = (roleArn: string): string => roleArn.replace(/:role\/.*$/, ':root');

const regionalObjectsArn = (bucket: string, prefix: string, region: string): string =>
  `arn:${partitionOfRegion(region)}:s3:::${bucket}/${plainStart(prefix)}*`;

const keyStatement = (roleArns: string[], region: string): Statement => {
  const { Principal, Condition } = onlyRoles(roleArns);
  return {
    Sid: 'S3ReplicatorDecrypts',
    Effect: 'Allow',
    Principal,
    Action: 'kms:Decrypt',
    // In the policy of a key, `*` means this key.
    Resource: '*',
    // The permission is limited to decryption by S3 in the key's own region. The end of the service name is a wildcard, because it
    // depends on the partition.
    Condition: { ...Condition, StringLike: { 'kms:ViaService': `s3.${region}.*` } },
  };
};
