import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { crc32, inflateRawSync } from 'node:zlib';

interface ZipEntry {
  name: string;
  method: number;
  crc: number;
  compressedSizeBytes: number;
  sizeBytes: number;
  headerOffset: number;
  unixMode: number;
}

export interface Unpacked {
  directory: string;
  /** The base64 SHA-256 of the zip, which Lambda returns as CodeSha256. */
  codeSha256: string;
  codeSizeBytes: number;
}

/**
 * Unpacks a deployment package into a folder below `parentDirectory`. `code` is the path of the package or its content. The name of the
 * folder depends on the content, so the same content is unpacked only once.
 * @throws Error if the package is not a plain zip, is damaged, or contains links or paths outside of the folder
 */
export const unpackCode = async (code: string | Buffer, parentDirectory: string): Promise<Unpacked> => {
  const isFile = typeof code === 'string';
  const [zip, zipFile] = isFile ? [await readFile(code), code] : [code, 'the uploaded code'];
  const digest = createHash('sha256').update(zip).digest();
  const directory = join(parentDirectory, digest.toString('hex').slice(0, 32));
  if (!(await exists(directory))) await unpackInto(directory, zip, zipFile);
  return { directory, codeSha256: digest.toString('base64'), codeSizeBytes: zip.length };
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Unpacks into a folder with a temporary name and then renames the folder, so that an incomplete folder is never used. */
const unpackInto = async (directory: string, zip: Buffer, zipFile: string): Promise<void> => {
  const temporary = `${directory}.${randomUUID()}`;
  try {
    for (const entry of readEntries(zip, zipFile)) await writeEntry(temporary, zip, entry);
    await rename(temporary, directory);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // If the folder exists, another process has unpacked the same package in the meantime.
    if (!(await exists(directory))) throw error;
  }
};

const writeEntry = async (directory: string, zip: Buffer, entry: ZipEntry): Promise<void> => {
  const path = join(directory, safePath(entry.name));
  if (entry.name.endsWith('/')) {
    await mkdir(path, { recursive: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, entryContent(zip, entry), { mode: (entry.unixMode & 0o777) | 0o400 });
};

const safePath = (name: string): string => {
  const path = normalize(name);
  if (path.startsWith('..') || path.startsWith(sep))
    throw new Error(`zip entry outside of the package: ${name}`);
  return path;
};

const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
const END_RECORD_BYTES = 22;
const LONGEST_COMMENT_BYTES = 0xffff;

const readEntries = (zip: Buffer, zipFile: string): ZipEntry[] => {
  const end = findEnd(zip, zipFile);
  const entries: ZipEntry[] = [];
  let offset = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const nameLength = zip.readUInt16LE(offset + 28);
    entries.push(readEntry(zip, offset, nameLength));
    offset += 46 + nameLength + zip.readUInt16LE(offset + 30) + zip.readUInt16LE(offset + 32);
  }
  return entries;
};

const findEnd = (zip: Buffer, zipFile: string): number => {
  const lowest = Math.max(0, zip.length - END_RECORD_BYTES - LONGEST_COMMENT_BYTES);
  for (let offset = zip.length - END_RECORD_BYTES; offset >= lowest; offset -= 1) {
    if (zip.readUInt32LE(offset) === END_OF_CENTRAL_DIRECTORY) return offset;
  }
  throw new Error(`${zipFile} is not a zip file`);
};

const readEntry = (zip: Buffer, offset: number, nameLength: number): ZipEntry => {
  const entry = {
    name: zip.toString('utf8', offset + 46, offset + 46 + nameLength),
    method: zip.readUInt16LE(offset + 10),
    crc: zip.readUInt32LE(offset + 16),
    compressedSizeBytes: zip.readUInt32LE(offset + 20),
    sizeBytes: zip.readUInt32LE(offset + 24),
    headerOffset: zip.readUInt32LE(offset + 42),
    unixMode: zip.readUInt32LE(offset + 38) >>> 16,
  };
  if ((entry.unixMode & 0o170000) === 0o120000) throw new Error(`zip entry ${entry.name} is a symbolic link`);
  return entry;
};

const entryContent = (zip: Buffer, entry: ZipEntry): Buffer => {
  // The lengths are read from the local header, because they may differ from those in the central directory.
  const start =
    entry.headerOffset +
    30 +
    zip.readUInt16LE(entry.headerOffset + 26) +
    zip.readUInt16LE(entry.headerOffset + 28);
  const content = decompress(entry, zip.subarray(start, start + entry.compressedSizeBytes));
  if (content.length !== entry.sizeBytes || crc32(content) !== entry.crc) {
    throw new Error(`zip entry ${entry.name} is damaged`);
  }
  return content;
};

const decompress = (entry: ZipEntry, bytes: Buffer): Buffer => {
  if (entry.method === 0) return bytes;
  if (entry.method === 8) return inflateRawSync(bytes);
  throw new Error(
    `zip entry ${entry.name} uses compression method ${entry.method}, only stored and deflate are known`,
  );
};
