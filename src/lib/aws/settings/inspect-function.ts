/** Invokes the inspect function, which sees destinations in the same way as the replicate function. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { isRecord, parsedJson } from '../../model/json.ts';
import { SDK_LOGGER } from '../sdk-logger.ts';
import { ask, type Asked } from './asked.ts';

/** How long the function may take. It asks all destinations at the same time. */
const PATIENCE_MS = 60_000;

/**
 * Sends a payload to the inspect function and parses the answer. `parse` returns null for a value that is not an answer to the
 * payload.
 */
export const askInspect = async <Answer>(
  place: { functionName: string; region: string },
  payload: object,
  parse: (answer: unknown) => Answer | null,
): Promise<Asked<Answer>> => {
  const client = new LambdaClient({ region: place.region, logger: SDK_LOGGER });
  try {
    return await ask('lambda:InvokeFunction', async () => {
      const { Payload, FunctionError } = await client.send(
        new InvokeCommand({
          FunctionName: place.functionName,
          Payload: Buffer.from(JSON.stringify(payload)),
        }),
        { abortSignal: AbortSignal.timeout(PATIENCE_MS) },
      );
      const text = Buffer.from(Payload ?? []).toString();
      const json = parsedJson(text);
      const answer = FunctionError === undefined ? parse(json) : null;
      if (answer === null) throw new Error(failureText(json, text));
      return answer;
    });
  } finally {
    client.destroy();
  }
};

const failureText = (json: unknown, text: string): string => {
  const problems = isRecord(json) && Array.isArray(json['problems']) ? json['problems'].map(String) : [];
  return problems.length > 0 ? problems.join('; ') : text.slice(0, 300);
};
