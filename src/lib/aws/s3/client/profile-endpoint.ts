import { loadConfig } from '@smithy/core/config';

/**
 * Resolves to the endpoint of S3 in a profile of the shared configuration files, or to undefined if the profile has none. The endpoint is the
 * `endpoint_url` for `s3` in the profile's `services` section, or else the `endpoint_url` of the profile itself ("Service-specific
 * endpoints", AWS SDKs and Tools Reference Guide). The SDK itself reads only the endpoint of AWS_PROFILE, even if a client names another
 * profile.
 */
export const profileEndpoint = async (profile: string): Promise<string | undefined> =>
  await loadConfig<string | undefined>(
    {
      environmentVariableSelector: () => undefined,
      // The file loader joins the name of a section, and the name of a nested setting, with a period.
      configFileSelector: ({ services, endpoint_url: ownUrl }, files) =>
        files?.[`services.${services}`]?.['s3.endpoint_url'] ?? ownUrl,
      default: undefined,
    },
    { profile },
  )();

/** Resolves to the region of a profile, or to undefined if the profile names none. */
export const profileRegion = async (profile: string): Promise<string | undefined> =>
  await loadConfig<string | undefined>(
    {
      environmentVariableSelector: () => undefined,
      configFileSelector: ({ region }) => region,
      default: undefined,
    },
    { profile },
  )();
