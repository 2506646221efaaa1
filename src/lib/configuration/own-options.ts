/**
 * Matches the names that users may give to options of their own, such as `x-defaults: &defaults`. Aliases refer to the values of
 * these options.
 */
export const OWN_OPTION = /^x-/;

/** Removes the users' own options from the top of the file and from rules. */
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
