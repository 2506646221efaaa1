/**
 * Objects that the counterpart pretends to hold. Their keys contain their size and the size of their parts, so nothing is stored:
 * `…s1073741824-p16777216-n7…`.
 */
export interface CounterpartObject {
  sizeBytes: number;
  /** 0: uploaded with one PUT. */
  partBytes: number;
}

export const counterpartKey = ({ sizeBytes, partBytes }: CounterpartObject, distinct: string): string =>
  `s${sizeBytes}-p${partBytes}-n${distinct}`;

/** Null for a path that names no such object. */
export const parseCounterpartPath = (path: string): CounterpartObject | null => {
  const match = /s(\d{1,15})-p(\d{1,15})-n/.exec(path);
  if (match === null) return null;
  return { sizeBytes: Number(match[1]), partBytes: Number(match[2]) };
};

export const partsCount = ({ sizeBytes, partBytes }: CounterpartObject): number =>
  partBytes === 0 ? 1 : Math.max(1, Math.ceil(sizeBytes / partBytes));

/** Length of a part, numbered from 1. */
export const partLength = ({ sizeBytes, partBytes }: CounterpartObject, partNumber: number): number =>
  partBytes === 0 ? sizeBytes : Math.min(partBytes, sizeBytes - (partNumber - 1) * partBytes);

/** An ETag in S3's format: a digest, followed by the number of parts if the object is multipart. */
export const etagOf = (object: CounterpartObject): string => {
  const digest = object.sizeBytes.toString(16).padStart(32, '0');
  return object.partBytes === 0 ? `"${digest}"` : `"${digest}-${partsCount(object)}"`;
};

/** Stands for the object's CRC64NVME: eight bytes in base64, the same on both sides. */
export const checksumOf = ({ sizeBytes }: CounterpartObject): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sizeBytes));
  return bytes.toString('base64');
};
