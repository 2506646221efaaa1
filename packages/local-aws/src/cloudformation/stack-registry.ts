import type { StackName } from './deployment.ts';
import type { Stack } from './stack.ts';

/** All stacks of all accounts and regions. */
export interface StackRegistry {
  /** Adds a stack, which becomes the newest stack of its name. */
  register(stack: Stack): void;
  /** Returns the newest stack of that name, which may be deleted. */
  find(name: StackName): Stack | undefined;
  /** Returns the newest stack of each name. */
  current(): Stack[];
  /** Returns all stacks, including deleted stacks whose name a newer stack has. */
  all(): Stack[];
  /** Returns a function that looks up an exported value of the account and region. */
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
