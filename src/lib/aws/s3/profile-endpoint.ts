import { loadConfig } from '@smithy/core/config';

/**
 * Resolves to the endpoint of S3 that a profile of the shared configuration files names, or to undefined if it names none: `endpoint_url` for
 * `s3` in its `services` section, or else its own `endpoint_url` ("Service-specific endpoints", AWS SDKs and Tools Reference Guide). The
 * SDK itself reads only the endpoint of AWS_PROFILE, even if a client names another profile.
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
