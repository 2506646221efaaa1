'use strict';
// The plugin of the Serverless framework that serverless.yml names. Each part has its own purpose and its own hooks. For an event that
// several parts wait for, they run in this order.
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
