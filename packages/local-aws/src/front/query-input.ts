import type { AwsRequest } from '../core/request.ts';
import { notSupported } from './aws-error.ts';
import { readBody } from './read-body.ts';

/** The form fields of a request in the query protocol, e.g. `Tags.member.1.Key=team`. */
export interface QueryInput {
  action: string;
  /** Returns the text of a field; `undefined` if absent. */
  text(name: string): string | undefined;
  /** Returns the value of a boolean field; `undefined` if absent. */
  flag(name: string): boolean | undefined;
  /** Returns the values of a list such as `Names.member.1=a`. */
  list(name: string): string[];
  /** Returns the records of a list such as `Parameters.member.1.ParameterKey=a`. The names of nested fields are joined by dots. */
  records(name: string): Record<string, string>[];
  /** Returns the records of a map such as `Attributes.entry.1.key=a`. */
  entries(name: string): Record<string, string>[];
  /** Throws an error if a field's name, up to the first dot, is not in `known`, so that no field is silently ignored. */
  refuseOthers(service: string, known: string[]): void;
}

const LARGEST_BODY_BYTES = 4 * 1024 * 1024;

/** Reads the form fields from the body, or from the query if the request has no body. */
export const readQueryInput = async (request: AwsRequest): Promise<QueryInput> => {
  const body = await readBody(request.body, LARGEST_BODY_BYTES);
  const fields = new URLSearchParams(body.length > 0 ? body.toString() : request.query);
  const text = (name: string): string | undefined => fields.get(name) ?? undefined;
  const action = text('Action') ?? '';
  return {
    action,
    text,
    flag: (name) => (fields.has(name) ? fields.get(name) === 'true' : undefined),
    list: (name) => recordsBelow(fields, `${name}.member.`).map((record) => record[''] ?? ''),
    records: (name) => recordsBelow(fields, `${name}.member.`),
    entries: (name) => recordsBelow(fields, `${name}.entry.`),
    refuseOthers: (service, known) => {
      const heads = new Set([...fields.keys()].map((name) => name.split('.')[0] ?? ''));
      const isKnown = (head: string): boolean =>
        ['Action', 'Version', ...known].includes(head) || head.startsWith('X-Amz-');
      // An empty list, which the SDK writes as a name without a value, is accepted under any name.
      const other = [...heads].find((head) => !isKnown(head) && fields.get(head) !== '');
      if (other !== undefined) throw notSupported(`${service}:${action} with ${other}`);
    },
  };
};

/**
 * Collects the fields whose names begin with `prefix` into records, sorted by number. For example, the field `<prefix>2.Value.Type` is the
 * member `Value.Type` of record 2.
 */
const recordsBelow = (fields: URLSearchParams, prefix: string): Record<string, string>[] => {
  const records = new Map<number, Record<string, string>>();
  for (const [name, value] of fields) {
    if (!name.startsWith(prefix)) continue;
    const [number = '', ...rest] = name.slice(prefix.length).split('.');
    const record = records.get(Number(number)) ?? {};
    record[rest.join('.')] = value;
    records.set(Number(number), record);
  }
  return [...records].sort(([a], [b]) => a - b).map(([, record]) => record);
};
