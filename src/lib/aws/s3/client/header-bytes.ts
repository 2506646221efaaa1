/**
 * Headers that are not ASCII, like a `Content-Disposition` with a file name in raw UTF-8. Node reads and sends each byte of a header as one
 * Latin-1 character. The SDK would sign the UTF-8 encoding of these characters, which is another sequence of bytes, so S3 would return
 * SignatureDoesNotMatch. Therefore the client decodes the bytes as UTF-8 for the signature, and sends the original bytes.
 */
import type { S3Client } from '@aws-sdk/client-s3';

/** Matches a header value that has a character outside ASCII. */
export const NOT_ASCII = /[^\x20-\x7e\t]/;

interface SignedRequest {
  headers: Record<string, string>;
}

/** Makes a client sign the header bytes that it sends. Returns the same client. */
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
    // With low priority this hook is the last of its step. It runs after the signature, which the SDK creates for each attempt.
    { step: 'finalizeRequest', priority: 'low', name: 'replicatorHeadersAsBytes' },
  );
  return client;
};
