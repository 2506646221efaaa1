/**
 * The headers of an object that its replica has as they are. One table, from which they are read and written: none can be
 * read and not written. `docs/fidelity.md` is made from it too.
 */
import type {
  CreateMultipartUploadCommandInput,
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import type { ObjectAttributes } from '../../model/ports.ts';

type Answer = GetObjectCommandOutput | HeadObjectCommandOutput;
type Request = PutObjectCommandInput & CreateMultipartUploadCommandInput;
export type HeaderAttributes = Omit<ObjectAttributes, 'metadata'>;

interface KeptHeader {
  /** Where the SDK puts it in the answers of GET and HEAD. */
  read: TextField<GetObjectCommandOutput> & TextField<HeadObjectCommandOutput>;
  /** Where PutObject and CreateMultipartUpload take it; a header's name where the SDK has no field for text. */
  written: { field: WrittenField } | { header: string };
}

type WrittenField = Exclude<TextField<Request>, 'Bucket' | 'Key'>;
type TextField<T> = { [Name in keyof T]-?: NonNullable<T[Name]> extends string ? Name : never }[keyof T];

export const KEPT_HEADERS: Readonly<Record<keyof HeaderAttributes, KeptHeader>> = {
  cacheControl: { read: 'CacheControl', written: { field: 'CacheControl' } },
  contentDisposition: { read: 'ContentDisposition', written: { field: 'ContentDisposition' } },
  contentEncoding: { read: 'ContentEncoding', written: { field: 'ContentEncoding' } },
  contentLanguage: { read: 'ContentLanguage', written: { field: 'ContentLanguage' } },
  contentType: { read: 'ContentType', written: { field: 'ContentType' } },
  // The SDK takes a Date only; S3 keeps whatever was written there.
  expires: { read: 'ExpiresString', written: { header: 'expires' } },
  websiteRedirectLocation: {
    read: 'WebsiteRedirectLocation',
    written: { field: 'WebsiteRedirectLocation' },
  },
  storageClass: { read: 'StorageClass', written: { field: 'StorageClass' } },
};

/** Null: S3 sent no such header. */
export const headerAttributes = (answer: Answer): HeaderAttributes =>
  Object.fromEntries(
    Object.entries(KEPT_HEADERS).map(([name, { read }]) => [name, answer[read] ?? null]),
  ) as unknown as HeaderAttributes;

/** As fields of PutObject and CreateMultipartUpload. */
export const headerFields = (attributes: HeaderAttributes): Pick<Request, WrittenField> =>
  Object.fromEntries(
    present(attributes).flatMap(({ written, text }) => ('field' in written ? [[written.field, text]] : [])),
  );

/** Those the SDK has no field for. */
export const textHeaders = (attributes: HeaderAttributes): Record<string, string> =>
  Object.fromEntries(
    present(attributes).flatMap(({ written, text }) => ('header' in written ? [[written.header, text]] : [])),
  );

const present = (attributes: HeaderAttributes): (KeptHeader & { text: string })[] =>
  Object.entries(KEPT_HEADERS).flatMap(([name, header]) => {
    const text = attributes[name as keyof HeaderAttributes];
    return text === null ? [] : [{ ...header, text }];
  });
