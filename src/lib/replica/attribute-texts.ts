/** Converts tags and grants to texts, so that two values are equal if and only if their texts are equal. */
import type { Grant, Tags } from '../model/ports.ts';

export const tagsText = (tags: Tags): string =>
  JSON.stringify(Object.entries(tags).toSorted(([one], [other]) => (one < other ? -1 : 1)));

export const grantText = ({ grantee, permission }: Grant): string =>
  `${grantee.kind} ${grantee.id} ${permission}`;
