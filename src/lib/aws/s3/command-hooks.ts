/** What the SDK does not show or has no field for: headers of a request, and the answer as it came. */
import type { HeadObjectCommand } from '@aws-sdk/client-s3';

/** The part of an answer that is read before the SDK reads it. */
export interface RawAnswer {
  statusCode: number;
  /** Names in lower case. */
  headers: Record<string, string>;
}

type Stack = HeadObjectCommand['middlewareStack'];

/** Adds headers the SDK has no field for; they are signed like the others. Undefined ones are left out. */
export const withHeaders = <C extends { middlewareStack: object }>(
  command: C,
  headers: Record<string, string | undefined>,
): C => {
  stackOf(command).add(
    (next) => async (args) => {
      const request = args.request as { headers: Record<string, string> };
      for (const [name, value] of Object.entries(headers)) {
        if (value !== undefined) request.headers[name] = value;
      }
      return await next(args);
    },
    { step: 'build', name: 'replicatorHeaders' },
  );
  return command;
};

/** Shows status and headers of each answer, error or not. The SDK's own errors keep them in a field that may go away. */
export const withAnswer = <C extends { middlewareStack: object }>(
  command: C,
  see: (answer: RawAnswer) => void,
): C => {
  stackOf(command).add(
    (next) => async (args) => {
      const result = await next(args);
      see(result.response as RawAnswer);
      return result;
    },
    // The last of this step: nearest to the wire.
    { step: 'deserialize', priority: 'low', name: 'replicatorAnswer' },
  );
  return command;
};

/** Shows the body of each answer as text, before the SDK parses it: for what is lost in its objects. */
export const withBodyText = <C extends { middlewareStack: object }>(
  command: C,
  see: (text: string) => void,
): C => {
  stackOf(command).add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { body?: AsyncIterable<Uint8Array> | Uint8Array };
      const bytes = await wholeBody(response.body);
      see(bytes.toString('utf8'));
      response.body = bytes;
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'replicatorBodyText' },
  );
  return command;
};

/** All commands' stacks are alike but for the types of their inputs, which are not looked at here. */
const stackOf = (command: { middlewareStack: object }): Stack => command.middlewareStack as Stack;

const wholeBody = async (body: AsyncIterable<Uint8Array> | Uint8Array | undefined): Promise<Buffer> => {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
};
