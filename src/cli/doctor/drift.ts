/** Functions that the checks of the stack's resources share. */
import type { Asked } from '../../lib/aws/settings/asked.ts';
import { accountOf, type Context } from './context.ts';
import { type Finding, findingsOf, whyNotChecked } from './finding.ts';
import type { Fix } from './fix.ts';
import { STACK_CAUSES } from './stack-causes.ts';

const { found, notChecked } = findingsOf('stack', STACK_CAUSES);

/**
 * Returns the findings about an answer. Without an answer, returns the finding that the resource is gone, or the reason why it
 * was not checked.
 */
export const compared = <Value>(
  asked: Asked<Value>,
  what: string,
  compare: (value: Value) => Finding[],
): Finding[] => {
  if (asked.kind === 'answer') return compare(asked.value);
  if (asked.kind === 'missing') return [found('resource-gone', { text: `${what} is gone`, fix: REBUILD })];
  return [notChecked(whyNotChecked(what, asked) ?? what)];
};

/**
 * Removes and deploys the stack, because CloudFormation does not create a single deleted resource again. The tables and the dead-letter
 * queue survive the removal, and the new stack uses them again. SQS creates no queue within a minute after one of the same name was deleted.
 * If messages wait, `serverless remove` says so and removes nothing.
 */
const REBUILD: Fix = {
  kind: 'command',
  account: 'of the stack',
  command: 'npx serverless remove && sleep 60 && npx serverless deploy',
};

/** Returns one call of the AWS CLI in the account of the stack. */
export const awsFix = (
  context: Context,
  service: string,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): Fix => ({ kind: 'aws', account: accountOf(context), region: context.region, service, operation, input });
