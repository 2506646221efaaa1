import { loadSharedConfigFiles } from '@smithy/core/config';

/** The profiles of the shared configuration files, `~/.aws/config` and `~/.aws/credentials`. */
export interface Profiles {
  names: string[];
  /**
   * Returns the profile with which `aws sso login` must be called for the given profile. It is either that profile itself, or the source
   * profile of its role. Returns null if the profile does not use IAM Identity Center.
   */
  signInProfile(name: string): string | null;
}

/**
 * Reads the profiles ("Shared config and credentials files", AWS SDKs and Tools Reference Guide). AWS_CONFIG_FILE and
 * AWS_SHARED_CREDENTIALS_FILE may name other files. A file that does not exist has no profiles.
 */
export const readProfiles = async (): Promise<Profiles> => {
  const { configFile, credentialsFile } = await loadSharedConfigFiles();
  const names = [...new Set([...Object.keys(configFile), ...Object.keys(credentialsFile)])];
  const settingOf = (name: string, setting: string): string | undefined =>
    configFile[name]?.[setting] ?? credentialsFile[name]?.[setting];
  const signInProfile = (name: string, seen: readonly string[] = []): string | null => {
    const isSso = ['sso_session', 'sso_start_url'].some((setting) => settingOf(name, setting) !== undefined);
    if (isSso) return name;
    const source = settingOf(name, 'source_profile');
    return source === undefined || seen.includes(source) ? null : signInProfile(source, [...seen, name]);
  };
  return { names: names.filter((name) => !OTHER_SECTION.test(name)), signInProfile };
};

/** Matches the names that the SDK gives to sections other than profiles. */
const OTHER_SECTION = /^(?:sso-session|services)\./;
