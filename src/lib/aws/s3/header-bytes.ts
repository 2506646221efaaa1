/**
 * Headers that are not ASCII, like a `Content-Disposition` with a file name in raw UTF-8. Node hands header bytes out as
 * Latin-1 characters and sends them so; the SDK signs the same string as UTF-8, which is another sequence of bytes, and
 * S3 answers SignatureDoesNotMatch. Signed are therefore the characters the bytes stand for, sent are the bytes.
 */
import type { S3Client } from '@aws-sdk/client-s3';

/** Characters beyond ASCII in a header value. */
export const NOT_ASCII = /[^\x20-\x7e\t]/;

interface SignedRequest {
  headers: Record<string, string>;
}

/** Makes a client sign what goes over the wire. Returns the same client. */
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
    // The last of this step: after the signature, which is made anew for each try.
    { step: 'finalizeRequest', priority: 'low', name: 'replicatorHeadersAsBytes' },
  );
  return client;
};
