'use strict';
// The Serverless framework loads this file, because serverless.yml lists it as a plugin. Each part has its own purpose and its own hooks.
// If several parts have a hook for the same event, the hooks run in the order of this list.
const PARTS = [require('./rules.cjs'), require('./deployment-report.cjs'), require('./evidence.cjs')];

/** The framework calls this function with `new`, as if it were a class. */
module.exports = function plugin(...given) {
  const hooks = PARTS.map((Part) => new Part(...given).hooks);
  const events = new Set(hooks.flatMap((each) => Object.keys(each)));
  return { hooks: Object.fromEntries([...events].map((event) => [event, () => runAll(hooks, event)])) };
};

const runAll = async (hooks, event) => {
  for (const each of hooks) await each[event]?.();
};
