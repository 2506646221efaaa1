import { unzipSync, zipSync, type Zippable } from 'fflate';

/** Date, system and mode of every file in a zip. With the real dates of files, the bytes would differ between machines. */
const SAME = { mtime: '1980-01-01T12:00:00', os: 3, attrs: 0o100644 << 16 };

/** Returns the zip with the file in it. The same zip and the same content always give the same bytes. */
export const withFile = (zip: Uint8Array, name: string, content: string): Uint8Array =>
  zipped({ ...unzipSync(zip), [name]: new TextEncoder().encode(content) });

/** Returns the zip without the file. */
export const withoutFile = (zip: Uint8Array, name: string): Uint8Array => {
  const { [name]: _, ...others } = unzipSync(zip);
  return zipped(others);
};

const zipped = (files: Record<string, Uint8Array>): Uint8Array => {
  const sorted: Zippable = {};
  for (const name of Object.keys(files).toSorted()) sorted[name] = [files[name] ?? new Uint8Array(), SAME];
  return zipSync(sorted, { level: 9 });
};
