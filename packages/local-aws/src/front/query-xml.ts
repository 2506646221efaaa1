import { escapeXml } from './protocol.ts';

/** The output of an operation of a query service. In XML, arrays become `<member>` elements, and absent values are omitted. */
export type QueryOutput =
  | string
  | number
  | boolean
  | Date
  | null
  | undefined
  | QueryOutput[]
  | Map<string, string>
  | { [name: string]: QueryOutput };

/** Converts an output to XML. `{ Tags: [{ Key: 'a' }] }` becomes `<Tags><member><Key>a</Key></member></Tags>`. */
export const queryXml = (value: QueryOutput): string => {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => element('member', item)).join('');
  if (value instanceof Map) {
    return [...value].map(([key, text]) => element('entry', { key, value: text })).join('');
  }
  if (typeof value !== 'object') return escapeXml(String(value));
  return Object.entries(value)
    .map(([name, child]) => element(name, child))
    .join('');
};

const element = (name: string, value: QueryOutput): string =>
  value === null || value === undefined ? '' : `<${name}>${queryXml(value)}</${name}>`;
