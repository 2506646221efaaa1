import { expect, test } from 'vitest';
import { deployWithout, isObserved, type Look, lookOf, type Loss, losing } from './losses.ts';
import { drawn } from '../seed.ts';
import type { Stage } from '../stages/stage.ts';

/** Registers tests that use every look on a complete deployment, and then on deployments that lack a single permission. */
export const testWithoutEach = <O>(
  own: ReturnType<typeof losing<O>>,
  without: Record<string, Loss<O>>,
  looks: Look<O>[],
  stage: () => Stage,
): void => {
  test('every permission has an expected effect in this file, and every effect belongs to a permission', () => {
    expect(own.map(({ name }) => name).toSorted()).toEqual(Object.keys(without).toSorted());
  });

  test.each(looks.map((look, index) => ({ ...look, index })))(
    'with all permissions, the look for permissions like $of observes no loss',
    async ({ at, well, index }) => {
      expect(await at(stage(), `complete ${index}`)).toEqual(well);
    },
  );

  const observed = drawn(own.filter(({ loss }) => isObserved(loss)));
  test.each(observed)('without the permission $name exactly the expected loss is observed', async (grant) => {
    const { at, well } = lookOf(looks, grant.name);
    const expected = { ...well, ...grant.loss };
    expect(expected).not.toEqual(well);
    await deployWithout(stage(), [grant]);
    expect(await at(stage(), `without ${own.indexOf(grant)}`)).toEqual(expected);
  });
};
