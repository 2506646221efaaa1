/** Determines which bytes of an object a GET or HEAD requests. Sources: API_GetObject.html, RFC 7233. */
import { S3Error } from '../errors.ts';
import type { PartDescription, StoredObject } from '../model/object.ts';
import { header, integerParameter, type S3Request } from '../protocol/request.ts';

export interface ByteRange {
  offset: number;
  lengthBytes: number;
  /** True if the response must have the status 206 instead of 200. */
  partial: boolean;
  /** The part of a multipart object, if the request names a part number. */
  part?: PartDescription;
}

/**
 * Reads the range or part number of a request. Without either, the range is the whole object. Throws InvalidRange or InvalidPartNumber
 * (416), or InvalidRequest for a range together with a part number.
 */
export const requestedRange = (request: S3Request, object: StoredObject): ByteRange => {
  const sizeBytes = object.content.sizeBytes;
  const range = header(request, 'range');
  const partNumber = integerParameter(request, 'partNumber', { min: 1, max: 10_000 });
  if (partNumber !== undefined) {
    if (range !== undefined)
      throw new S3Error('InvalidRequest', {
        message: 'Cannot specify both Range header and partNumber query parameter',
      });
    return rangeOfPart(object, partNumber);
  }
  const parsed = range === undefined ? null : parseRange(range, sizeBytes);
  if (parsed === 'unsatisfiable')
    throw new S3Error('InvalidRange', {
      elements: { RangeRequested: range ?? '', ActualObjectSize: String(sizeBytes) },
      headers: { 'Content-Range': `bytes */${sizeBytes}` },
    });
  return parsed ?? { offset: 0, lengthBytes: sizeBytes, partial: false };
};

/** Parses a Range header. Returns null for a form that S3 ignores, such as several ranges. */
const parseRange = (range: string, sizeBytes: number): ByteRange | 'unsatisfiable' | null => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range.trim());
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) return null;
  if (first === '') {
    const lengthBytes = Math.min(Number(last), sizeBytes);
    return lengthBytes === 0
      ? 'unsatisfiable'
      : { offset: sizeBytes - lengthBytes, lengthBytes, partial: true };
  }
  const offset = Number(first);
  if (last !== '' && Number(last) < offset) return null;
  if (offset >= sizeBytes) return 'unsatisfiable';
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  return { offset, lengthBytes: end - offset, partial: true };
};

const rangeOfPart = (object: StoredObject, partNumber: number): ByteRange => {
  const parts = object.parts;
  if (parts === null) {
    if (partNumber !== 1) throw noSuchPart(partNumber, 1);
    return { offset: 0, lengthBytes: object.content.sizeBytes, partial: true };
  }
  const part = parts[partNumber - 1];
  if (part === undefined) throw noSuchPart(partNumber, parts.length);
  const offset = parts.slice(0, partNumber - 1).reduce((sum, before) => sum + before.sizeBytes, 0);
  return { offset, lengthBytes: part.sizeBytes, partial: true, part };
};

const noSuchPart = (partNumber: number, count: number): S3Error =>
  new S3Error('InvalidPartNumber', {
    elements: { PartNumberRequested: String(partNumber), ActualPartCount: String(count) },
  });
