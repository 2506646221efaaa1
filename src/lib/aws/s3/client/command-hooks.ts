/**
 * Hooks into the SDK. Some add request headers that the SDK has no field for, and others read the raw response, which the SDK does not
 * show.
 */
import type { HeadObjectCommand } from '@aws-sdk/client-s3';

/** The parts of a response that our hooks read before the SDK does. */
export interface RawAnswer {
  statusCode: number;
  /** The names of the headers are in lower case. */
  headers: Record<string, string>;
}

type CommandStack = HeadObjectCommand['middlewareStack'];

/**
 * Adds headers that the SDK has no field for. The added headers are signed like all others. A header whose value is undefined is left out.
 */
export const withHeaders = <C extends { middlewareStack: object }>(
  command: C,
  headers: Record<string, string | undefined>,
): C => {
  commandStack(command).add(
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

/**
 * Passes the status and headers of each response to `see`, including error responses. Without this hook, the headers of an error would be
 * available only in a field that a later version of the SDK may remove.
 */
export const withAnswer = <C extends { middlewareStack: object }>(
  command: C,
  see: (answer: RawAnswer) => void,
): C => {
  commandStack(command).add(
    (next) => async (args) => {
      const result = await next(args);
      see(result.response as RawAnswer);
      return result;
    },
    // With low priority this hook is the last of its step, and the last hook is the first to see the response.
    { step: 'deserialize', priority: 'low', name: 'replicatorAnswer' },
  );
  return command;
};

/**
 * Passes the body of each response as text to `see`, before the SDK parses the body. The SDK's objects lose some of the information in the
 * text.
 */
export const withBodyText = <C extends { middlewareStack: object }>(
  command: C,
  see: (text: string) => void,
): C => {
  commandStack(command).add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { body?: AsyncIterable<Uint8Array> | Uint8Array };
      const bytes = await bodyBytes(response.body);
      see(bytes.toString('utf8'));
      response.body = bytes;
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'replicatorBodyText' },
  );
  return command;
};

/**
 * The middleware stacks of all commands differ only in the types of their inputs. The hooks do not read the inputs, so one type is enough.
 */
const commandStack = (command: { middlewareStack: object }): CommandStack =>
  command.middlewareStack as CommandStack;

const bodyBytes = async (body: AsyncIterable<Uint8Array> | Uint8Array | undefined): Promise<Buffer> => {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
};
