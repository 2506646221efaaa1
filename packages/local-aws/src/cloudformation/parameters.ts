import { TemplateError, type Template, type TemplateParameter } from './template.ts';

/**
 * Returns the values of the template's parameters: the given values, or else the defaults. Checks the values against the declarations.
 * @throws TemplateError that lists all missing, unknown or invalid parameters
 */
export const parameterValues = (
  template: Template,
  given: Record<string, string>,
): Record<string, string | string[]> => {
  const unknown = Object.keys(given).filter((name) => !(name in template.Parameters));
  const problems =
    unknown.length > 0 ? [`Parameters: [${unknown.join(', ')}] do not exist in the template`] : [];
  const values: Record<string, string | string[]> = {};
  for (const [name, parameter] of Object.entries(template.Parameters)) {
    const value = given[name] ?? parameter.Default;
    if (value === undefined) problems.push(`Parameters: [${name}] must have values`);
    else {
      problems.push(...problemsOf(name, parameter, value));
      values[name] = isList(parameter) ? value.split(',').map((item) => item.trim()) : value;
    }
  }
  if (problems.length > 0) throw new TemplateError(problems.join('\n'));
  return values;
};

const isList = (parameter: TemplateParameter): boolean =>
  parameter.Type === 'CommaDelimitedList' || parameter.Type === 'List<Number>';

const problemsOf = (name: string, parameter: TemplateParameter, value: string): string[] => {
  const items = isList(parameter) ? value.split(',').map((item) => item.trim()) : [value];
  const isFine = items.every((item) => isNumberWhereNeeded(parameter, item) && isAllowed(parameter, item));
  if (isFine) return [];
  const constraint = parameter.ConstraintDescription ? `: ${parameter.ConstraintDescription}` : '';
  return [`Parameter '${name}' must satisfy its constraints, it is ${JSON.stringify(value)}${constraint}`];
};

const isNumberWhereNeeded = (parameter: TemplateParameter, item: string): boolean =>
  !parameter.Type.includes('Number') || (item !== '' && Number.isFinite(Number(item)));

const isAllowed = (parameter: TemplateParameter, item: string): boolean =>
  (parameter.AllowedValues?.includes(item) ?? true) &&
  (parameter.AllowedPattern === undefined || new RegExp(`^(?:${parameter.AllowedPattern})$`).test(item)) &&
  item.length >= (parameter.MinLength ?? 0) &&
  item.length <= (parameter.MaxLength ?? Infinity) &&
  (parameter.MinValue === undefined || Number(item) >= parameter.MinValue) &&
  (parameter.MaxValue === undefined || Number(item) <= parameter.MaxValue);
