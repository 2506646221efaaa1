/**
 * A key as S3 writes it in event notifications and under `encoding-type=url`: form-encoded, a space as `+`,
 * slashes left alone.
 */
export const formEncodeKey = (key: string): string =>
  PLAIN.test(key)
    ? key
    : encodeURIComponent(key)
        .replaceAll('%2F', '/')
        .replaceAll('%20', '+')
        .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const PLAIN = /^[A-Za-z0-9.*_/-]*$/;
