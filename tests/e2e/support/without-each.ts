import { expect, test } from 'vitest';
import { deployWithout, isObserved, type Look, lookOf, type Loss, losing } from './losses.ts';
import { drawn } from './seed.ts';
import type { Stage } from './stage.ts';

/** Has everything looked at while nothing is missing, and then what is lost without each of these permissions. */
export const testWithoutEach = <O>(
  own: ReturnType<typeof losing<O>>,
  without: Record<string, Loss<O>>,
  looks: Look<O>[],
  stage: () => Stage,
): void => {
  test('each permission has a line that says what it is for, and each line a permission', () => {
    expect(own.map(({ name }) => name).toSorted()).toEqual(Object.keys(without).toSorted());
  });

  test.each(looks.map((look, index) => ({ ...look, index })))(
    'all is well: $of',
    async ({ at, well, index }) => {
      expect(await at(stage(), `complete ${index}`)).toEqual(well);
    },
  );

  const observed = drawn(own.filter(({ loss }) => isObserved(loss)));
  test.each(observed)('without $name', async (grant) => {
    const { at, well } = lookOf(looks, grant.name);
    const expected = { ...well, ...grant.loss };
    expect(expected).not.toEqual(well);
    await deployWithout(stage(), [grant]);
    expect(await at(stage(), `without ${own.indexOf(grant)}`)).toEqual(expected);
  });
};
