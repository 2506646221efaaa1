/** The action by which an operator fixes a finding. */

export type Fix =
  /** A command of the product or of another tool. */
  | { kind: 'command'; account: string; command: string }
  /** A change of a file, and the command that applies the change. */
  | { kind: 'edit'; account: string; edit: string; command: string }
  /** One call of the AWS CLI. `input` is the whole request, as JSON. */
  | {
      kind: 'aws';
      account: string;
      region: string;
      service: string;
      operation: string;
      input: Readonly<Record<string, unknown>>;
    };

export const DEPLOY = 'npx serverless deploy';

/** Returns the whole command, ready for a shell. */
export const commandOf = (fix: Fix): string => {
  if (fix.kind !== 'aws') return fix.command;
  const { service, operation, region, input } = fix;
  const json = JSON.stringify(input).replaceAll("'", String.raw`'\''`);
  return `aws ${service} ${operation} --region ${region} --cli-input-json '${json}'`;
};

/**
 * Returns the fix for people. The text is short and leaves out the bodies of policies. It names the account if that is not the caller's
 * own.
 */
export const fixText = (fix: Fix, ownAccount: string | null): string => {
  const elsewhere = ownAccount !== null && /^\d{12}$/.test(fix.account) && fix.account !== ownAccount;
  const account = elsewhere ? [`in account ${fix.account}`] : [];
  if (fix.kind === 'command') return [fix.command, ...account.map((text) => `(${text})`)].join(' ');
  if (fix.kind === 'edit') return fix.command === '' ? fix.edit : `${fix.edit}, then ${fix.command}`;
  const { service, operation, input } = fix;
  const names = Object.values(input).filter(
    (value) => typeof value === 'string' && value.length <= LONGEST_SHOWN && !value.startsWith('{'),
  );
  return `aws ${service} ${operation} ${names.join(' ')} (${[...account, 'whole: --fix-script'].join(', ')})`;
};

/** Maximum length of a value that is shown. Policies are longer, so they are not shown. */
const LONGEST_SHOWN = 120;

/** Returns a script that contains each fix once. Doctor itself never runs the script. */
export const fixScript = (
  findings: readonly { text: string; subject: string; fix: Fix | null }[],
): string => {
  const reasons = new Map<string, string[]>();
  for (const { text, subject, fix } of findings) {
    if (fix === null) continue;
    const key = scriptLines(fix).join('\n');
    reasons.set(key, [
      ...(reasons.get(key) ?? []),
      `# ${subject === '' ? '' : `${subject}: `}${oneLine(text)}`,
    ]);
  }
  const blocks = [...reasons].map(([lines, why]) => `${why.join('\n')}\n${lines}\n`);
  return `${['#!/bin/sh', '# Read each line before you run it. Lines of several accounts need several credentials.', ''].join('\n')}\n${blocks.join('\n')}`;
};

const scriptLines = (fix: Fix): string[] => {
  const account = `# account ${fix.account}`;
  if (fix.kind !== 'edit') return [account, commandOf(fix)];
  return [account, `# first: ${oneLine(fix.edit)}`, ...(fix.command === '' ? [] : [fix.command])];
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
