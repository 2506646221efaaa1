/** A key out of a listing that asked for `encoding-type=url`; a server that did not do it leaves the encoding out. */
export const listedKey = (key: string, encodingType: string | undefined): string =>
  encodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key;
