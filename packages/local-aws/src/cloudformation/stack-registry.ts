import type { StackName } from './deployment.ts';
import type { Stack } from './stack.ts';

/** All stacks of all accounts and regions. */
export interface StackRegistry {
  /** Takes the place of an older stack with the same name. */
  register(stack: Stack): void;
  /** The last stack of that name, which may have been deleted. */
  find(name: StackName): Stack | undefined;
  /** The last stack of each name. */
  current(): Stack[];
  /** Including stacks whose name another stack has now. */
  all(): Stack[];
  /** Reads an exported value of the same account and region. */
  exportValue(place: Pick<StackName, 'accountId' | 'region'>): (exported: string) => string | undefined;
}

export const createStackRegistry = (): StackRegistry => {
  const stacks = new Map<string, Stack>();
  const former: Stack[] = [];
  return {
    register: (stack) => {
      const known = stacks.get(keyOf(stack));
      if (known && known !== stack) former.push(known);
      stacks.set(keyOf(stack), stack);
    },
    find: (name) => stacks.get(keyOf(name)),
    current: () => [...stacks.values()],
    all: () => [...former, ...stacks.values()],
    exportValue: (place) => (exported) =>
      [...stacks.values()]
        .filter((stack) => stack.accountId === place.accountId && stack.region === place.region)
        .map((stack) => stack.exports[exported])
        .find((value) => value !== undefined),
  };
};

const keyOf = (name: StackName): string => `${name.accountId}/${name.region}/${name.stackName}`;
