/** The value from which both the text and the JSON of a report are made. */
import type { Configuration } from '../../lib/configuration/configuration.ts';
import { ruleDestinations, type RuleDestination } from '../../lib/model/rule.ts';
import type { Finding } from './finding.ts';

export interface Report {
  stack: string;
  /** Null: AWS accepts no credentials from here. */
  account: string | null;
  caller: string | null;
  region: string;
  version: string;
  /** Null: nothing is deployed, or what is deployed does not say. */
  deployedVersion: string | null;
  findings: Finding[];
  errors: number;
  warnings: number;
  /** How many destinations were looked at, and how many of them no error concerns. */
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

/** How the findings of a destination name it. */
export const destinationSubject = ({ rule, destination }: RuleDestination): string =>
  `${rule.id} → ${destination.id}`;

/** An error of the stack concerns all destinations, but nobody who receives alarms stops no object. */
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
