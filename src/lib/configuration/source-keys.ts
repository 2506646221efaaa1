/** The KMS keys of a source. S3 encrypts each object with one of them. */
import { regionOfArn } from './aws-syntax.ts';
import type { Finding, Path } from './problem.ts';
import type { RuleShape } from './rule-schema.ts';

/** Returns all keys that the source names, each with the path of the option below the source. */
export const sourceKeys = ({ kmsKeyArn, kmsKeyArns }: RuleShape['source']): { arn: string; path: Path }[] => [
  ...(kmsKeyArn === undefined ? [] : [{ arn: kmsKeyArn, path: ['kmsKeyArn'] }]),
  ...kmsKeyArns.map((arn, position) => ({ arn, path: ['kmsKeyArns', position] })),
];

export const checkSourceKeys = (path: Path, source: RuleShape['source'], region: string): Finding[] =>
  sourceKeys(source).flatMap((key) => {
    const at = [...path, ...key.path];
    if (source.roleArn !== undefined)
      return {
        path: at,
        found: 'a KMS key beside a role',
        fix: 'remove the line and allow the role kms:Decrypt on the key: the role reads the objects',
      };
    if (regionOfArn(key.arn) === region) return [];
    return {
      path: at,
      found: `a key in ${regionOfArn(key.arn)}, while the source buckets are in ${region}`,
      fix: `S3 uses keys of the bucket's own region only: give the ARN of the key in ${region}`,
    };
  });
