/** The input of every check. */
import type { Configuration } from '../../lib/configuration/configuration.ts';
import type { ResourceNames } from '../../lib/configuration/resource-names.ts';
import type { AccountSettings } from '../../lib/aws/settings/account-settings.ts';
import type { Identity } from '../../lib/aws/settings/resource-policies.ts';
import type { Owners, Refusal } from './credentials.ts';
import type { StackState } from '../../lib/aws/settings/stack-settings.ts';

export interface Context {
  /** The configuration with the chosen rules only. */
  configuration: Configuration;
  /** The configuration with all rules. */
  whole: Configuration;
  names: ResourceNames;
  region: string;
  settings: AccountSettings;
  /** The identity of the caller. Null if AWS accepts no credentials. */
  identity: Identity | null;
  /** Why AWS accepts no credentials; null if it does. */
  refusal: Refusal | null;
  /** The deployed stack. Null if there is none, or if the caller may not see it. */
  stack: StackState | null;
  /** False if CloudFormation has no such stack. True if it is there, or if the caller may not ask. */
  isDeployed: boolean;
  owners: Owners;
  /** The directory in which the operator types commands. */
  cwd: string;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Returns the account id of the stack, or the words `of the stack` if there are no credentials. */
export const accountOf = ({ identity }: Pick<Context, 'identity'>): string =>
  identity?.account ?? 'of the stack';
