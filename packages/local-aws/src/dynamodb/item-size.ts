import { isJson } from './answer.ts';

/**
 * Returns the size of an item in bytes, which is the size of the names and values of its attributes.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export const itemSizeBytes = (item: unknown): number =>
  isJson(item)
    ? sum(Object.entries(item).map(([name, value]) => Buffer.byteLength(name) + valueSizeBytes(value)))
    : 0;

const valueSizeBytes = (value: unknown): number => {
  const [[type, content] = []] = isJson(value) ? Object.entries(value) : [];
  const members: unknown[] = Array.isArray(content) ? content : [];
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(content));
    case 'N':
      return numberSizeBytes(content);
    case 'B':
      return Buffer.byteLength(String(content), 'base64');
    case 'SS':
      return sum(members.map((member) => Buffer.byteLength(String(member))));
    case 'NS':
      return sum(members.map(numberSizeBytes));
    case 'BS':
      return sum(members.map((member) => Buffer.byteLength(String(member), 'base64')));
    case 'L':
      return 3 + sum(members.map((member) => 1 + valueSizeBytes(member)));
    case 'M':
      return 3 + itemSizeBytes(content) + (isJson(content) ? Object.keys(content).length : 0);
    default:
      return 1;
  }
};

/** Returns the approximate size of a number: one byte for every two significant digits, and one more byte. */
const numberSizeBytes = (value: unknown): number => {
  const digits = String(value)
    .replace(/^-/, '')
    .replace(/\.|^0+|e.*$/gi, '');
  return Math.ceil(digits.length / 2) + 1;
};

const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0);
