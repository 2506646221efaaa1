/** The value from which both the text and the JSON of a report are made. */
import type { Configuration } from '../../lib/configuration/configuration.ts';
import { ruleDestinations, type RuleDestination } from '../../lib/model/rule.ts';
import type { Finding } from './finding.ts';

export interface Report {
  stack: string;
  /** The account of the caller; null if AWS accepts no credentials. */
  account: string | null;
  caller: string | null;
  region: string;
  version: string;
  /** The version of the deployed stack. Null if nothing is deployed, or if the stack does not name its version. */
  deployedVersion: string | null;
  findings: Finding[];
  errors: number;
  warnings: number;
  /** How many destinations were checked, and how many of them have no error. */
  destinations: number;
  sound: number;
  seconds: number;
}

export const countVerdicts = (
  findings: readonly Finding[],
  { replication }: Pick<Configuration, 'replication'>,
): Pick<Report, 'destinations' | 'errors' | 'sound' | 'warnings'> => {
  const errors = findings.filter(({ verdict }) => verdict === 'error');
  const all = ruleDestinations(replication);
  return {
    errors: errors.length,
    warnings: findings.filter(({ verdict }) => verdict === 'warning').length,
    destinations: all.length,
    sound: all.filter((where) => !errors.some((error) => concerns(error, where))).length,
  };
};

/** Returns the name of a destination in findings. */
export const destinationSubject = ({ rule, destination }: RuleDestination): string =>
  `${rule.id} → ${destination.id}`;

/**
 * Returns whether an error concerns a destination. An error of the stack concerns all destinations, unless it stops no object, such as
 * alarms that nobody receives.
 */
const concerns = ({ group, subject, cause }: Finding, where: RuleDestination): boolean => {
  switch (group) {
    case 'sources':
      return subject === where.rule.source.bucket;
    case 'destinations':
      return subject === destinationSubject(where);
    case 'rules':
      return subject === where.rule.id;
    case 'here':
      return true;
    case 'stack':
      return !HARMLESS.has(cause ?? '');
    case 'canary':
    case 'health':
      return false;
  }
};

const HARMLESS: ReadonlySet<string> = new Set([
  'alarms-unheard',
  'topic-policy',
  'report-bucket',
  'report-bucket-denies',
]);
