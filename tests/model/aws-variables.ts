interface Access {
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/**
 * For adapters, which take endpoint and credentials from the environment. All of these variables, since files that run one after the
 * other share a process: a token that was left there belongs to other keys.
 */
export const setAwsVariables = ({ endpoint, credentials }: Access): void => {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  process.env['AWS_ENDPOINT_URL'] = endpoint;
  process.env['AWS_ACCESS_KEY_ID'] = accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey;
  if (sessionToken === undefined) delete process.env['AWS_SESSION_TOKEN'];
  else process.env['AWS_SESSION_TOKEN'] = sessionToken;
};
