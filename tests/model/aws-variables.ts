interface Access {
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/**
 * Sets the variables from which adapters take endpoint and credentials. Test files share a process, so a missing session token is
 * removed: it would belong to other keys.
 */
export const setAwsVariables = ({ endpoint, credentials }: Access): void => {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  process.env['AWS_ENDPOINT_URL'] = endpoint;
  process.env['AWS_ACCESS_KEY_ID'] = accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey;
  if (sessionToken === undefined) delete process.env['AWS_SESSION_TOKEN'];
  else process.env['AWS_SESSION_TOKEN'] = sessionToken;
};
