/** The names of options that are free for users, such as `x-defaults: &defaults`. Aliases refer to their values. */
export const OWN_OPTION = /^x-/;

/** Leaves out these options, at the top of the file and in rules. */
export const withoutOwnOptions = (content: unknown): unknown => {
  if (!isBlock(content)) return content;
  const options = checkedOptions(content);
  const { rules } = options;
  return Array.isArray(rules)
    ? { ...options, rules: rules.map((rule: unknown) => (isBlock(rule) ? checkedOptions(rule) : rule)) }
    : options;
};

const isBlock = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const checkedOptions = (block: object): { rules?: unknown } =>
  Object.fromEntries(Object.entries(block).filter(([name]) => !OWN_OPTION.test(name)));
