/** The AWS profile whose credentials a command uses. */
import { parseArgs } from 'node:util';
import { nearestWord } from '../lib/text/nearest-word.ts';
import type { OptionSpec } from './terminal/command.ts';
import { CliError } from './terminal/errors.ts';
import type { CliIo } from './terminal/io.ts';

/** The option of every command that talks to AWS. */
export const PROFILE_OPTION = {
  profile: {
    value: 'PROFILE',
    description:
      'AWS profile of ~/.aws to sign in with. Wins over AWS_PROFILE and AWS_ACCESS_KEY_ID. Default: what the environment says.',
  },
} as const satisfies Record<string, OptionSpec>;

/**
 * Uses the profile that the command line names for all calls to AWS. This happens before the command parses its options, because every
 * client of the SDK takes its credentials from the environment. Throws {@link CliError} if there is no such profile,
 * unless the command is doctor.
 */
export const useProfile = async (argv: readonly string[], io: CliIo): Promise<void> => {
  const profile = profileIn(argv);
  if (profile === null) return;
  const { readProfiles } = await import('../lib/aws/profiles.ts');
  const { names } = await readProfiles();
  // Doctor reports this as one of its findings, and checks what needs no credentials.
  if (!names.includes(profile) && argv[0] !== 'doctor') throw noSuchProfile(profile, names);
  io.useProfile(profile);
};

/** If credentials from IAM Identity Center have failed, adds the command that signs in again. */
export const withSignIn = async (
  error: CliError,
  { argv, env }: { argv: readonly string[]; env: CliIo['env'] },
): Promise<CliError> => {
  if (error.code !== 'no-credentials' && error.code !== 'bad-credentials') return error;
  const profile = profileIn(argv) ?? env['AWS_PROFILE'] ?? 'default';
  const { readProfiles } = await import('../lib/aws/profiles.ts');
  const { names, signInProfile } = await readProfiles();
  if (env['AWS_PROFILE'] !== undefined && !names.includes(profile)) return noSuchProfile(profile, names);
  const signIn = signInProfile(profile);
  if (signIn === null) return error;
  return new CliError(error.code, error.message, {
    cause: error,
    fix: `Sign in with \`aws sso login --profile ${signIn}\`, then run the command again.`,
  });
};

const profileIn = (argv: readonly string[]): string | null => {
  const { values } = parseArgs({ args: [...argv], strict: false, options: { profile: { type: 'string' } } });
  return typeof values.profile === 'string' ? values.profile : null;
};

export const noSuchProfile = (profile: string, names: readonly string[]): CliError => {
  const nearest = nearestWord(profile, names);
  const suggestion = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
  return new CliError(
    'no-profile',
    `~/.aws/config and ~/.aws/credentials have no profile ${JSON.stringify(profile)}.${suggestion}`,
  );
};
