/**
 * A key as S3 writes it in event notifications and with `encoding-type=url`: form-encoded, with `+` for a space and with slashes
 * unchanged.
 */
export const formEncodeKey = (key: string): string =>
  UNCHANGED.test(key)
    ? key
    : encodeURIComponent(key)
        .replaceAll('%2F', '/')
        .replaceAll('%20', '+')
        .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const UNCHANGED = /^[A-Za-z0-9.*_/-]*$/;
