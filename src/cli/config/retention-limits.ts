/**
 * Compares the longest retention that the rules set with the default of `MaxRetentionDays` in destination/template.yml. A role refuses
 * what its stack does not allow, so both numbers must be the same.
 */
import { DEFAULT_MAX_RETENTION_DAYS } from '../../lib/configuration/rule-schema.ts';
import type { ReplicationRule } from '../../lib/model/rule.ts';

/** A stack of the destination template whose parameter `MaxRetentionDays` must be set to another value than its default. */
export interface RetentionLimit {
  roleArn: string;
  maxRetentionDays: number;
}

/** Destinations with the same role are written with the same stack, which must allow the longest of their retentions. */
export const retentionLimits = (rules: readonly ReplicationRule[]): RetentionLimit[] => {
  const longest = new Map<string, number>();
  for (const { roleArn, objectLock, maxRetentionDays } of rules.flatMap(({ destinations }) => destinations))
    if (objectLock !== 'ignore') longest.set(roleArn, Math.max(maxRetentionDays, longest.get(roleArn) ?? 0));
  return Array.from(longest, ([roleArn, maxRetentionDays]) => ({ roleArn, maxRetentionDays })).filter(
    ({ maxRetentionDays }) => maxRetentionDays !== DEFAULT_MAX_RETENTION_DAYS,
  );
};

export const retentionLimitLines = (limits: readonly RetentionLimit[]): string[] =>
  limits.length === 0
    ? []
    : [
        '',
        `longest retention: the default of destination/template.yml is ${DEFAULT_MAX_RETENTION_DAYS} days`,
        ...limits.map(
          ({ roleArn, maxRetentionDays }) =>
            `  deploy the stack of ${roleArn} with MaxRetentionDays=${maxRetentionDays}`,
        ),
      ];
