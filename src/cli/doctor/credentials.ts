/** Whose credentials doctor asks with: those of the caller, and a profile for each destination account. */
import { type AccountSettings, createAccountSettings } from '../../lib/aws/settings/account-settings.ts';
import type { Asked } from '../../lib/aws/settings/asked.ts';
import type { Identity } from '../../lib/aws/settings/resource-policies.ts';
import { readProfiles } from '../../lib/aws/profiles.ts';
import { noSuchProfile } from '../profile.ts';

/** Why nothing can be asked with some credentials. */
export interface Refusal {
  text: string;
  /** The command that repairs the credentials, or that shows what is wrong with them. */
  command: string;
}

/** The accounts of the destinations, as far as the caller has their credentials. */
export interface Owners {
  /** Returns the settings of a destination account in a region. Returns null unless a usable profile of the account was given. */
  settingsOf(account: string, region: string): AccountSettings | null;
  /** One sentence for each profile that cannot be used. */
  unusable: string[];
}

/** Finds out why AWS did not say who the caller is. Resolves to null if it did. */
export const refusalOf = async (asked: Asked<Identity>, profile: string | null): Promise<Refusal | null> => {
  if (asked.kind === 'answer') return null;
  const { names, signInProfile } = await readProfiles();
  if (profile !== null && !names.includes(profile))
    return { text: noSuchProfile(profile, names).message, command: 'aws configure list-profiles' };
  const signIn = asked.kind === 'failed' && asked.areCredentials ? signInProfile(profile ?? 'default') : null;
  if (signIn !== null)
    return { text: `nobody is signed in to profile ${signIn}`, command: `aws sso login --profile ${signIn}` };
  const option = profile === null ? '' : ` --profile ${profile}`;
  const said = asked.kind === 'missing' ? 'no answer' : asked.message;
  return { text: said, command: `aws sts get-caller-identity${option}` };
};

/** Finds out to which account each profile belongs. A profile that cannot be used does not keep doctor from the rest. */
export const openOwners = async (profiles: readonly string[], region: string): Promise<Owners> => {
  const known = new Map<string, string>();
  const unusable: string[] = [];
  for (const profile of profiles) {
    const identity = await createAccountSettings({ region, profile }).resources.identity();
    const refusal = await refusalOf(identity, profile);
    if (identity.kind === 'answer') known.set(identity.value.account, profile);
    if (refusal !== null) unusable.push(`profile ${profile}: ${refusal.text} (${refusal.command})`);
  }
  const opened = new Map<string, AccountSettings>();
  return {
    unusable,
    settingsOf: (account, there) => {
      const profile = known.get(account);
      if (profile === undefined) return null;
      const settings = opened.get(`${account} ${there}`) ?? createAccountSettings({ region: there, profile });
      opened.set(`${account} ${there}`, settings);
      return settings;
    },
  };
};
