interface Access {
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/**
 * Sets the environment variables from which adapters take their endpoint and credentials. If these
 * credentials have no session token, the variable for it is deleted. Test files share a process, so the
 * variable may hold the token of other credentials.
 */
export const setAwsVariables = ({ endpoint, credentials }: Access): void => {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  process.env['AWS_ENDPOINT_URL'] = endpoint;
  process.env['AWS_ACCESS_KEY_ID'] = accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey;
  if (sessionToken === undefined) delete process.env['AWS_SESSION_TOKEN'];
  else process.env['AWS_SESSION_TOKEN'] = sessionToken;
};

/** Deletes all variables of AWS. Assigning a new object to `process.env` instead would leave `vi.stubEnv` with the old object. */
export const dropAwsVariables = (): void => {
  for (const name of Object.keys(process.env))
    if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
};
