/** A stand-in for the replicate function of a stack. It only forwards messages, and is invoked through the API of Lambda. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { AwsRequest } from '@s3-replicator/local-aws';
import type { Iam } from '@s3-replicator/local-aws/iam';
import type { ServerResponse } from 'node:http';
import { forwardMessages } from '../../src/lib/aws/sqs/forward.ts';
import { parseForwarding } from '../../src/lib/delivery/forwarding.ts';

/** `client` sends with the permissions of the function. All messages go to the same queue. */
export const forwardingFunction = (iam: Iam, client: () => SQSClient, queueUrl: () => Promise<string>) => ({
  async handle(request: AwsRequest, response: ServerResponse): Promise<void> {
    const [, name] = /functions\/([^/]+)\/invocations$/.exec(request.path) ?? [];
    const { allowed } = iam.decide({
      caller: request.caller,
      action: 'lambda:InvokeFunction',
      resource: `arn:aws:lambda:us-east-1:111111111111:function:${name}`,
      resourceAccountId: '111111111111',
      secureTransport: request.secureTransport,
    });
    if (!allowed) {
      response.writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' });
      response.end(JSON.stringify({ message: 'not authorized to perform lambda:InvokeFunction' }));
      return;
    }
    const payload = (await request.body.toArray()).map(String).join('');
    const forwarding = parseForwarding(JSON.parse(payload));
    if (forwarding === null) throw new Error('no request to forward messages');
    const url = await queueUrl();
    const urls = { live: url, backfill: url, transfer: url };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(await forwardMessages(client(), urls, forwarding)));
  },
});
