/**
 * Returns a key from a listing with `encoding-type=url`. If a server does not encode keys, its response has
 * no encoding type, and the key is returned unchanged.
 */
export const listedKey = (key: string, encodingType: string | undefined): string =>
  encodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key;
