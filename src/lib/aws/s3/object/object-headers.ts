/**
 * The headers of an object that its replica keeps unchanged. One table defines how each header is read and written, so that no header is
 * read but not written. `docs/fidelity.md` is generated from the same table.
 */
import type {
  CreateMultipartUploadCommandInput,
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import type { ObjectAttributes } from '../../../model/ports.ts';

export type ObjectAnswer = GetObjectCommandOutput | HeadObjectCommandOutput;
type WriteRequest = PutObjectCommandInput & CreateMultipartUploadCommandInput;
export type HeaderAttributes = Omit<ObjectAttributes, 'metadata'>;

interface KeptHeader {
  /** The field in the SDK's output of GetObject and HeadObject. */
  read: TextField<GetObjectCommandOutput> & TextField<HeadObjectCommandOutput>;
  /** The field in requests of PutObject and CreateMultipartUpload, or the name of the header if the SDK has no text field for it. */
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
  // The SDK's field accepts only a Date, but S3 stores any text.
  expires: { read: 'ExpiresString', written: { header: 'expires' } },
  websiteRedirectLocation: {
    read: 'WebsiteRedirectLocation',
    written: { field: 'WebsiteRedirectLocation' },
  },
  storageClass: { read: 'StorageClass', written: { field: 'StorageClass' } },
};

/** Reads the headers from a response. A header that S3 did not send is null. */
export const headerAttributes = (answer: ObjectAnswer): HeaderAttributes =>
  Object.fromEntries(
    Object.entries(KEPT_HEADERS).map(([name, { read }]) => [name, answer[read] ?? null]),
  ) as unknown as HeaderAttributes;

/** Returns the fields of PutObject and CreateMultipartUpload for the attributes that have a field. */
export const headerFields = (attributes: HeaderAttributes): Pick<WriteRequest, WrittenField> =>
  Object.fromEntries(
    present(attributes).flatMap(({ written, text }) => ('field' in written ? [[written.field, text]] : [])),
  );

/** Returns the headers for the attributes that the SDK has no field for. */
export const textHeaders = (attributes: HeaderAttributes): Record<string, string> =>
  Object.fromEntries(
    present(attributes).flatMap(({ written, text }) => ('header' in written ? [[written.header, text]] : [])),
  );

const present = (attributes: HeaderAttributes): (KeptHeader & { text: string })[] =>
  Object.entries(KEPT_HEADERS).flatMap(([name, header]) => {
    const text = attributes[name as keyof HeaderAttributes];
    return text === null ? [] : [{ ...header, text }];
  });
