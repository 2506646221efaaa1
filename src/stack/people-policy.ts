/**
 * The least IAM policies of people who operate a stack from the command line. `command-rows.ts` lists the permissions that these
 * people need.
 */
import type { Configuration } from '../lib/configuration/configuration.ts';
import type { Statement } from './cloudformation.ts';
import type { Needs, Place } from './command-rows.ts';
import { placesOf, through, type Where } from './places.ts';

export interface IdentityPolicy {
  Version: '2012-10-17';
  Statement: Statement[];
}

/** Returns the policy that allows all of these needs, for the stack of this configuration in this account. */
export const policyOfNeeds = (
  all: readonly Needs[],
  configuration: Configuration,
  account: string,
): IdentityPolicy => {
  const Statement = statementsIn(all, placesOf(configuration, account));
  return { Version: '2012-10-17', Statement: [...Statement, ...useKey(configuration, Statement)] };
};

/** Returns one statement for each place at which something is needed. */
export const statementsIn = (
  all: readonly Needs[],
  places: Readonly<Partial<Record<Place, Where | null>>>,
): PlaceStatement[] =>
  entriesOf(places).flatMap(([place, where]) => {
    const actions = new Set(all.flatMap((needs) => needs[place] ?? []));
    if (actions.size === 0 || where === null) return [];
    return [{ Sid: sidOf(place), Effect: 'Allow' as const, Action: [...actions].toSorted(), ...where }];
  });

type PlaceStatement = Statement & { Action: string[] };

const entriesOf = Object.entries as <Key extends string, Value>(
  record: Partial<Record<Key, Value>>,
) => [Key, Value][];

/**
 * DynamoDB, SQS and Lambda use the key of the stack with the permissions of whoever reads items, messages and environment variables.
 * https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
 */
const useKey = ({ stack, deployment }: Configuration, statements: readonly PlaceStatement[]): Statement[] => {
  const actions = statements.flatMap(({ Action }) => Action);
  const isGiven = statements.some(({ Sid }) => Sid === 'Key');
  const services = ['dynamodb', 'lambda', 'sqs'].filter((service) =>
    actions.some((action) => action.startsWith(`${service}:`)),
  );
  if (stack.kmsKeyArn === null || isGiven || services.length === 0) return [];
  const writes = actions.some((action) => /^dynamodb:(Delete|Put|Update)Item$/.test(action));
  return [
    {
      Sid: 'StackKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', ...(writes ? ['kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'] : [])],
      Resource: stack.kmsKeyArn,
      Condition: through(services, deployment.region),
    },
  ];
};

const sidOf = (place: string): string =>
  place.replaceAll(/(?:^| )(\w)/g, (_, letter: string) => letter.toUpperCase());
