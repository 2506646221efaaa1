import { jsonSchema } from './schema.ts';

/** Returns the sentence that describes the right value of an option, e.g. of `rules.versions`. */
export const adviceOf = (option: string): string => {
  const found = option.split('.').reduce(memberOf, jsonSchema());
  const advice: unknown = Reflect.get(found, 'description');
  if (typeof advice !== 'string') throw new Error(`replication.yml has no option ${option}`);
  return advice;
};

/** Returns the schema of a member. A list is represented by its items. */
const memberOf = (schema: object, name: string): object => {
  const { properties = {}, items = {} }: { properties?: object; items?: { properties?: object } } = schema;
  const member: unknown = Reflect.get({ ...properties, ...items.properties }, name);
  return typeof member === 'object' && member !== null ? member : {};
};
