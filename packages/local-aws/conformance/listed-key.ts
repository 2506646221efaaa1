/**
 * A key from a listing with `encoding-type=url`. A server that does not encode keys omits the encoding type from its answer.
 */
export const listedKey = (key: string, encodingType: string | undefined): string =>
  encodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key;
