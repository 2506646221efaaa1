import { z } from 'zod';
import type { Provider, ResourceContext } from './provider.ts';
import { alreadyExists, defineResourceType, inert } from './resource-type.ts';

/** The resource types that have a name and properties but no effect in the local AWS. */
export const plainProviders = (): Record<string, Provider> => ({
  'AWS::KMS::Alias': named({
    nameProperty: 'AliasName',
    properties: ['TargetKeyId'],
    attributes: () => ({}),
  }),
});

/** A resource type whose physical id is a name that is unique in the account and region. */
const named = (type: {
  nameProperty: string;
  properties: string[];
  attributes(context: ResourceContext, name: string): Record<string, string>;
}): Provider => {
  const taken = new Set<string>();
  const keyOf = (context: ResourceContext, name: string): string =>
    `${context.accountId}/${context.region}/${name}`;
  const known = [type.nameProperty, ...type.properties];
  return defineResourceType({
    properties: z.strictObject(Object.fromEntries(known.map((property) => [property, inert]))),
    replacedBy: [type.nameProperty],
    create: (context, properties) => {
      const { [type.nameProperty]: given } = properties;
      const name = typeof given === 'string' ? given : context.generatedName;
      if (taken.has(keyOf(context, name))) throw alreadyExists(context, name);
      taken.add(keyOf(context, name));
      return { physicalId: name, attributes: type.attributes(context, name) };
    },
    update: (context, name) => ({ physicalId: name, attributes: type.attributes(context, name) }),
    delete: (context, name) => {
      taken.delete(keyOf(context, name));
    },
  });
};
