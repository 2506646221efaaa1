import { parseArgs } from 'node:util';
import { startLocalAws, type LocalAws } from '../start/local-aws.ts';

const USAGE = `Usage: node packages/local-aws/src/cli/main.ts [options]

Starts a local AWS (S3, SQS, SNS, STS, DynamoDB, CloudFormation, Lambda) on 127.0.0.1 and stays up until Ctrl-C.

  --port <n>        HTTP port (default: any free one)
  --https-port <n>  HTTPS port (default: any free one)
  --account <id>    12 digits; print credentials of this account (repeatable; default 111111111111 and 222222222222)
  --region <name>   (default: eu-central-1)
  --directory <dir> where objects are kept (default: a new one, removed at the end)
  --help
`;

const main = async (argv: string[]): Promise<number> => {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string' },
      'https-port': { type: 'string' },
      account: { type: 'string', multiple: true, default: ['111111111111', '222222222222'] },
      region: { type: 'string', default: 'eu-central-1' },
      directory: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const wrong = values.account.find((accountId) => !/^\d{12}$/.test(accountId));
  if (wrong !== undefined) throw new TypeError(`--account ${wrong}: an account id has 12 digits`);
  const aws = await startLocalAws({
    region: values.region,
    onLog: ({ functionName, line }) => process.stderr.write(`${functionName}: ${line}\n`),
    ...(values.directory !== undefined && { directory: values.directory }),
    ...(values.port !== undefined && { httpPort: port('--port', values.port) }),
    ...(values['https-port'] !== undefined && { httpsPort: port('--https-port', values['https-port']) }),
  });
  process.stdout.write(environment(aws, values.account));
  await interrupted();
  await aws.stop();
  return 0;
};

const port = (option: string, text: string): number => {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number < 65_536) return number;
  throw new TypeError(`${option} ${text}: a port is a number from 0 to 65535`);
};

/**
 * Returns shell commands that configure an AWS client. Only the credentials of the first account are active; those of other accounts are in
 * comments.
 */
const environment = (aws: LocalAws, accountIds: string[]): string => {
  const lines = [
    `export AWS_ENDPOINT_URL=${aws.endpoint}`,
    `export AWS_CA_BUNDLE=${aws.caFile}`,
    `export NODE_EXTRA_CA_CERTS=${aws.caFile}`,
    `export AWS_REGION=${aws.region}`,
    `# without TLS: AWS_ENDPOINT_URL=${aws.httpEndpoint}`,
  ];
  accountIds.forEach((accountId, index) => {
    const { accessKeyId, secretAccessKey } = aws.root(accountId);
    const prefix = index === 0 ? 'export' : '# export';
    lines.push(
      `# account ${accountId}`,
      `${prefix} AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}`,
    );
  });
  return `${lines.join('\n')}\n`;
};

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isMisuse = error instanceof TypeError;
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\n${isMisuse ? `\n${USAGE}` : ''}`,
  );
  // The process must exit explicitly, because one of the two servers may already be listening.
  process.exit(isMisuse ? 2 : 1);
}
