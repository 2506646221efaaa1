/**
 * Headers that are not ASCII, like a `Content-Disposition` with a file name in raw UTF-8. Node returns header bytes as Latin-1
 * characters and sends them the same way. The SDK signs the same string as UTF-8, which is another sequence of bytes, so S3 answers
 * SignatureDoesNotMatch. Therefore the client signs the characters that the bytes encode, and sends the bytes.
 */
import type { S3Client } from '@aws-sdk/client-s3';

/** Characters beyond ASCII in a header value. */
export const NOT_ASCII = /[^\x20-\x7e\t]/;

interface SignedRequest {
  headers: Record<string, string>;
}

/** Makes a client sign the bytes that it sends. Returns the same client. */
export const signHeaderBytes = (client: S3Client): S3Client => {
  const bytesOf = new WeakMap<object, Record<string, string>>();
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { headers } = args.request as SignedRequest;
      const bytes: Record<string, string> = {};
      for (const [name, value] of Object.entries(headers)) {
        if (!NOT_ASCII.test(value)) continue;
        bytes[name] = value;
        headers[name] = Buffer.from(value, 'latin1').toString('utf8');
      }
      bytesOf.set(context, bytes);
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'replicatorHeadersAsCharacters' },
  );
  client.middlewareStack.add(
    (next, context) => (args) => {
      Object.assign((args.request as SignedRequest).headers, bytesOf.get(context));
      return next(args);
    },
    // The last hook of this step: after the signature, which the SDK creates for each attempt.
    { step: 'finalizeRequest', priority: 'low', name: 'replicatorHeadersAsBytes' },
  );
  return client;
};
