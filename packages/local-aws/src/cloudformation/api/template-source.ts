import { S3Error } from '../../s3/errors.ts';
import type { Stack } from '../stack.ts';
import { LARGEST_TEMPLATE_BYTES, parseTemplate, type Template } from '../template.ts';
import { validationError, type Call } from './call.ts';

const LARGEST_BODY_BYTES = 51_200;

/**
 * Returns the template of a request. The request contains the template, names an object in S3, or asks for the stack's current template
 * (`UsePreviousTemplate`). Throws ValidationError if the request has no template, or if the caller cannot read the object.
 */
export const templateTextOf = async (call: Call, stack?: Stack): Promise<string> => {
  const { input } = call;
  const body = input.text('TemplateBody');
  const url = input.text('TemplateURL');
  if (input.flag('UsePreviousTemplate') === true && stack) return stack.templateText;
  if ((body === undefined) === (url === undefined)) {
    throw validationError(
      body === undefined
        ? 'Either Template URL or Template Body must be specified.'
        : 'Only one of Template URL and Template Body can be specified.',
    );
  }
  if (url !== undefined) return await readTemplate(call, url);
  if (body === undefined || Buffer.byteLength(body) > LARGEST_BODY_BYTES) {
    throw validationError(
      `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${LARGEST_BODY_BYTES}`,
    );
  }
  return body;
};

const readTemplate = async (call: Call, url: string): Promise<string> => {
  const object = objectOf(url, call.request.headers.host);
  if (!object) throw validationError('TemplateURL must be a supported URL.');
  const bytes = await call.objects.readObject(call.request.caller, object).catch((cause: unknown) => {
    if (!(cause instanceof S3Error)) throw cause;
    throw validationError(
      `S3 error: ${cause.message}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html`,
    );
  });
  if (bytes.length <= LARGEST_TEMPLATE_BYTES) return bytes.toString('utf8');
  throw validationError(`Template may not exceed ${LARGEST_TEMPLATE_BYTES} bytes in size.`);
};

/**
 * The object that an S3 URL names. The URL may be path-style, have the bucket in its host, or begin with the address of the local AWS.
 * Returns null for any other URL.
 */
const objectOf = (
  text: string,
  ownHost: string | undefined,
): { bucket: string; key: string; versionId?: string } | null => {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const path = decodeURIComponent(url.pathname.slice(1));
  const versionId = url.searchParams.get('versionId');
  const version = versionId === null ? {} : { versionId };
  const virtual = /^(.+)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?$/.exec(url.hostname)?.[1];
  if (virtual !== undefined) return { bucket: virtual, key: path, ...version };
  const isS3 = /^s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/.test(url.hostname) || url.host === ownHost;
  const slash = path.indexOf('/');
  if (!isS3 || slash <= 0) return null;
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1), ...version };
};

/** Returns the capabilities that the caller must acknowledge because the template can grant permissions. */
export const capabilitiesOf = (template: Template): string[] => {
  const iam = Object.values(template.Resources).filter(({ Type: type }) => type.startsWith('AWS::IAM::'));
  if (iam.length === 0) return [];
  const isNamed = iam.some(({ Properties: properties }) =>
    NAME_PROPERTIES.some((name) => name in properties),
  );
  return [isNamed ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM'];
};

const NAME_PROPERTIES = ['RoleName', 'ManagedPolicyName', 'UserName', 'GroupName', 'InstanceProfileName'];

/** Returns the required capabilities of a template in text form. Throws TemplateError for an invalid template. */
export const capabilitiesOfText = (text: string): string[] => capabilitiesOf(parseTemplate(text));
