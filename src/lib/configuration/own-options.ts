/** The names of options that people use for themselves, for values to which aliases refer: `x-defaults: &defaults`. */
export const OWN_OPTION = /^x-/;

/** Leaves out what people write for themselves, at the top of the file and in rules. */
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
