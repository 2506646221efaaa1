/**
 * Form-encodes a key, with `+` for a space and with slashes unchanged. S3 encodes keys like this in event notifications, and in listings
 * with `encoding-type=url`.
 */
export const formEncodeKey = (key: string): string =>
  UNCHANGED.test(key)
    ? key
    : encodeURIComponent(key)
        .replaceAll('%2F', '/')
        .replaceAll('%20', '+')
        .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const UNCHANGED = /^[A-Za-z0-9.*_/-]*$/;
