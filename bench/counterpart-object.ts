/**
 * Objects that the counterpart pretends to store. The key of such an object contains its size and its part size, for example
 * `…s1073741824-p16777216-n7…`, so nothing needs to be stored.
 */
export interface CounterpartObject {
  sizeBytes: number;
  /** The size of the parts; 0 if the object was uploaded with one PUT. */
  partBytes: number;
}

export const counterpartKey = ({ sizeBytes, partBytes }: CounterpartObject, distinct: string): string =>
  `s${sizeBytes}-p${partBytes}-n${distinct}`;

/** Reads the sizes from the path of a URL. Returns null for a path that names no such object. */
export const parseCounterpartPath = (path: string): CounterpartObject | null => {
  const match = /s(\d{1,15})-p(\d{1,15})-n/.exec(path);
  if (match === null) return null;
  return { sizeBytes: Number(match[1]), partBytes: Number(match[2]) };
};

export const partsCount = ({ sizeBytes, partBytes }: CounterpartObject): number =>
  partBytes === 0 ? 1 : Math.max(1, Math.ceil(sizeBytes / partBytes));

/** Returns the length of a part. Parts are numbered from 1. */
export const partLength = ({ sizeBytes, partBytes }: CounterpartObject, partNumber: number): number =>
  partBytes === 0 ? sizeBytes : Math.min(partBytes, sizeBytes - (partNumber - 1) * partBytes);

/** Returns an ETag in S3's format: a digest, followed by the number of parts if the object is multipart. */
export const etagOf = (object: CounterpartObject): string => {
  const digest = object.sizeBytes.toString(16).padStart(32, '0');
  return object.partBytes === 0 ? `"${digest}"` : `"${digest}-${partsCount(object)}"`;
};

/** Returns eight bytes in base64, in place of a real CRC64NVME of the object. The value is the same for source and replica. */
export const checksumOf = ({ sizeBytes }: CounterpartObject): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sizeBytes));
  return bytes.toString('base64');
};
