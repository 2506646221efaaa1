/** The parser of CloudFormation templates. */
export { isRecord } from '../cloudformation/intrinsics.ts';
export { parseTemplate, type Template, type TemplateResource } from '../cloudformation/template.ts';
