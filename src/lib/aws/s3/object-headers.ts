/**
 * The headers of an object that its replica keeps unchanged. They are read and written by one table, so that no header can be read and
 * not written. `docs/fidelity.md` is generated from the same table.
 */
import type {
  CreateMultipartUploadCommandInput,
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import type { ObjectAttributes } from '../../model/ports.ts';

export type ObjectAnswer = GetObjectCommandOutput | HeadObjectCommandOutput;
type WriteRequest = PutObjectCommandInput & CreateMultipartUploadCommandInput;
export type HeaderAttributes = Omit<ObjectAttributes, 'metadata'>;

interface KeptHeader {
  /** The field in the SDK's answers to GET and HEAD. */
  read: TextField<GetObjectCommandOutput> & TextField<HeadObjectCommandOutput>;
  /** The field of PutObject and CreateMultipartUpload, or the name of the header if the SDK has no text field for it. */
  written: { field: WrittenField } | { header: string };
}

type WrittenField = Exclude<TextField<WriteRequest>, 'Bucket' | 'Key'>;
type TextField<T> = { [Name in keyof T]-?: NonNullable<T[Name]> extends string ? Name : never }[keyof T];

export const KEPT_HEADERS: Readonly<Record<keyof HeaderAttributes, KeptHeader>> = {
  cacheControl: { read: 'CacheControl', written: { field: 'CacheControl' } },
  contentDisposition: { read: 'ContentDisposition', written: { field: 'ContentDisposition' } },
  contentEncoding: { read: 'ContentEncoding', written: { field: 'ContentEncoding' } },
  contentLanguage: { read: 'ContentLanguage', written: { field: 'ContentLanguage' } },
  contentType: { read: 'ContentType', written: { field: 'ContentType' } },
  // The SDK accepts only a Date, but S3 stores any text.
  expires: { read: 'ExpiresString', written: { header: 'expires' } },
  websiteRedirectLocation: {
    read: 'WebsiteRedirectLocation',
    written: { field: 'WebsiteRedirectLocation' },
  },
  storageClass: { read: 'StorageClass', written: { field: 'StorageClass' } },
};

/** Null: S3 sent no such header. */
export const headerAttributes = (answer: ObjectAnswer): HeaderAttributes =>
  Object.fromEntries(
    Object.entries(KEPT_HEADERS).map(([name, { read }]) => [name, answer[read] ?? null]),
  ) as unknown as HeaderAttributes;

/** The attributes as fields of PutObject and CreateMultipartUpload. */
export const headerFields = (attributes: HeaderAttributes): Pick<WriteRequest, WrittenField> =>
  Object.fromEntries(
    present(attributes).flatMap(({ written, text }) => ('field' in written ? [[written.field, text]] : [])),
  );

/** The attributes that the SDK has no field for, as headers. */
export const textHeaders = (attributes: HeaderAttributes): Record<string, string> =>
  Object.fromEntries(
    present(attributes).flatMap(({ written, text }) => ('header' in written ? [[written.header, text]] : [])),
  );

const present = (attributes: HeaderAttributes): (KeptHeader & { text: string })[] =>
  Object.entries(KEPT_HEADERS).flatMap(([name, header]) => {
    const text = attributes[name as keyof HeaderAttributes];
    return text === null ? [] : [{ ...header, text }];
  });
