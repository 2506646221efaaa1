/** User metadata, content headers and storage classes. */
import { CopyObjectCommand, GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { matches, oneOf, refused, same } from './difference.ts';
import { uploadInParts } from './upload-in-parts.ts';

const METADATA = s3Guide('UsingMetadata');

export const namesOfMetadataAreLowerCase = behaviour(
  'HeadObject returns names of user metadata in lower case and keeps the case of their values.',
  METADATA,
  async ({ bucket, key, raw, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    const headers = { 'X-Amz-Meta-Colour-Name': 'Deep  Blue', 'x-amz-meta-empty': '' };
    const put = await raw('PUT', { bucket: Bucket, key: Key, body: 'content', headers });
    same('status of PUT', put.status, 200);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('colour-name', head.Metadata?.['colour-name']?.replaceAll(/ +/g, ' '), 'Deep Blue');
    same('empty', head.Metadata?.['empty'], '');
  },
);

export const contentHeadersAreKept = behaviour(
  'HeadObject returns Content-Type, Content-Encoding, Content-Language, Content-Disposition, Cache-Control and Expires as they were sent.',
  METADATA,
  async ({ bucket, key, raw }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const headers: Record<string, string> = {
      'content-type': 'text/x-odd; charset="utf-8"',
      'content-encoding': 'x-own',
      'content-language': 'de-AT, en',
      'content-disposition': 'attachment; filename="a b.txt"',
      'cache-control': 'max-age=5, private',
      expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
    };
    await raw('PUT', { ...target, body: 'content', headers });
    const head = await raw('HEAD', target);
    for (const [name, value] of Object.entries(headers)) same(name, head.headers[name], value);
  },
);

export const contentEncodingsAreKeptAsWritten = behaviour(
  'HeadObject returns a Content-Encoding of several codings with the spaces and the case in which it was sent.',
  s3Api('API_PutObject'),
  async ({ bucket, key, raw }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const coding = 'X-Own , gzip,br';
    await raw('PUT', { ...target, body: 'content', headers: { 'content-encoding': coding } });
    same('content-encoding', (await raw('HEAD', target)).headers['content-encoding'], coding);
  },
);

export const theDefaultContentType = behaviour(
  'An object written without a Content-Type has the type binary/octet-stream.',
  METADATA,
  async ({ bucket, key, raw }) => {
    const target = { bucket: await bucket('never'), key: key() };
    await raw('PUT', { ...target, body: 'content' });
    same('content-type', (await raw('HEAD', target)).headers['content-type'], 'binary/octet-stream');
  },
);

export const awsChunkedIsNoContentEncoding = behaviour(
  'S3 does not store aws-chunked as a Content-Encoding, but stores other encodings that are listed with it.',
  s3Api('sigv4-streaming'),
  async ({ bucket, key, raw }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const answer = await raw('PUT', {
      ...target,
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked,x-own',
        'x-amz-decoded-content-length': '7',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
      body: '7\r\ncontent\r\n0\r\nx-amz-checksum-crc32:/sUwqQ==\r\n\r\n',
    });
    oneOf('PUT', `${answer.status} ${answer.code}`, ['200 null']);
    same('content-encoding', (await raw('HEAD', target)).headers['content-encoding'], 'x-own');
  },
);

export const metadataHas2KilobytesAtMost = behaviour(
  'PutObject fails with 400 MetadataTooLarge if the names and values of user metadata exceed 2 KB.',
  METADATA,
  async ({ bucket, key, put }) => {
    const Bucket = await bucket('never');
    const metadata = (bytes: number) => ({ Metadata: { a: 'x'.repeat(bytes) } });
    // AWS does not document whether the prefix `x-amz-meta-` counts towards the limit. The first size is
    // within the limit even if the prefix counts. The second size is above the limit even if the prefix does
    // not count.
    await put(Bucket, key(), 'content', metadata(2048 - 'x-amz-meta-a'.length));
    await refused('2,049 bytes', put(Bucket, key(), 'content', metadata(2048)), '400 MetadataTooLarge');
  },
);

export const metadataBeyondAsciiComesBackEncoded = behaviour(
  'HeadObject returns non-ASCII metadata as RFC 2047 encoded words, the form in which it is sent.',
  METADATA,
  async ({ bucket, key, raw }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const headers = { 'x-amz-meta-word': '=?UTF-8?B?w7xiZXI=?=' };
    await raw('PUT', { ...target, body: 'content', headers });
    const found = (await raw('HEAD', target)).headers['x-amz-meta-word'];
    matches('value', found, /^=\?UTF-8\?[BQ]\?.*\?=$/i);
    same('decoded', decodeWord(String(found)), 'über');
  },
);

const decodeWord = (word: string): string => {
  const [, , encoding, text = ''] = word.split('?');
  if (encoding?.toUpperCase() === 'B') return Buffer.from(text, 'base64').toString();
  return decodeURIComponent(text.replaceAll('_', ' ').replaceAll('=', '%'));
};

export const standardHasNoStorageClassHeader = behaviour(
  'HeadObject returns x-amz-storage-class for every storage class except STANDARD.',
  s3Api('API_HeadObject'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const [plain, rare] = [key('standard'), key('infrequent')];
    await put(Bucket, plain, 'content');
    await put(Bucket, rare, 'content', { StorageClass: 'STANDARD_IA' });
    const classOf = async (Key: string) =>
      (await s3.send(new HeadObjectCommand({ Bucket, Key }))).StorageClass;
    same('STANDARD', await classOf(plain), undefined);
    same('STANDARD_IA', await classOf(rare), 'STANDARD_IA');
    const other = put(Bucket, key(), 'content', { StorageClass: 'NONE' as 'STANDARD' });
    await refused('no class at all', other, '400 InvalidStorageClass');
  },
);

export const websiteRedirectsAreKept = behaviour(
  'S3 stores x-amz-website-redirect-location, and rejects a value that is neither a path nor a URL with 400 InvalidRedirectLocation.',
  s3Guide('how-to-page-redirect'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { WebsiteRedirectLocation: '/elsewhere' });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('HEAD', head.WebsiteRedirectLocation, '/elsewhere');
    const wrong = put(Bucket, key(), 'content', { WebsiteRedirectLocation: 'elsewhere' });
    await refused('neither', wrong, '400 InvalidRedirectLocation');
  },
);

export const answersMayBeOverridden = behaviour(
  'GetObject replaces headers of its response with the values of the response-* parameters.',
  s3Api('API_GetObject'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { ContentType: 'text/plain' });
    const answer = await s3.send(
      new GetObjectCommand({
        Bucket,
        Key,
        ResponseContentType: 'text/x-odd',
        ResponseContentDisposition: 'inline',
      }),
    );
    await answer.Body?.transformToByteArray();
    same('answer', [answer.ContentType, answer.ContentDisposition], ['text/x-odd', 'inline']);
  },
);

export const answersToHeadMayBeOverridden = behaviour(
  'HeadObject replaces headers of its response with the values of the response-* parameters.',
  s3Api('API_HeadObject'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { ContentType: 'text/plain', CacheControl: 'no-store' });
    const target = { Bucket, Key, ResponseContentType: 'text/x-odd', ResponseContentLanguage: 'de' };
    const { ContentType, ContentLanguage, CacheControl } = await s3.send(new HeadObjectCommand(target));
    same('HEAD', [ContentType, ContentLanguage, CacheControl], ['text/x-odd', 'de', 'no-store']);
  },
);

export const redirectsAreNotCopied = behaviour(
  'CopyObject copies the metadata but not the website redirect, which the copy has only if the request sets it.',
  s3Api('API_CopyObject'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const [source, plain, named] = [key('source'), key('plain'), key('named')];
    await put(Bucket, source, 'content', { WebsiteRedirectLocation: '/elsewhere', Metadata: { a: 'b' } });
    const CopySource = `${Bucket}/${source}`;
    await s3.send(new CopyObjectCommand({ Bucket, Key: plain, CopySource }));
    const other = 'https://example.com/';
    await s3.send(new CopyObjectCommand({ Bucket, Key: named, CopySource, WebsiteRedirectLocation: other }));
    const [first, second] = await Promise.all(
      [plain, named].map((Key) => s3.send(new HeadObjectCommand({ Bucket, Key }))),
    );
    same('plain copy', [first?.WebsiteRedirectLocation, first?.Metadata], [undefined, { a: 'b' }]);
    same('named', second?.WebsiteRedirectLocation, other);
  },
);

export const redirectsOfUploadsComeWithTheirCreation = behaviour(
  'CreateMultipartUpload determines the website redirect of the completed object.',
  s3Api('API_CreateMultipartUpload'),
  async (context) => {
    const { bucket, key, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    const create = { WebsiteRedirectLocation: '/elsewhere' };
    await uploadInParts(context, { Bucket, Key }, [{ partNumber: 1, body: 'content' }], { create });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('HEAD', head.WebsiteRedirectLocation, '/elsewhere');
  },
);
