import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { FunctionDefinition } from '../lambda/function-registry.ts';
import type { Lambda } from '../lambda/lambda.ts';
import { permissionShape, permissionStatement } from '../lambda/permission-http.ts';
import type { CreatedResource } from '../core/resource-provider.ts';
import { S3Error } from '../s3/errors.ts';
import type { S3Service } from '../s3/service.ts';
import type { Provider, ResourceContext } from './provider.ts';
import { alreadyExists, defineResourceType, inert } from './resource-type.ts';

/** The AWS::Lambda types. Their resources are created in the local Lambda service. */
export const lambdaProviders = (
  lambda: Lambda,
  objects: Pick<S3Service, 'readObject'>,
): Record<string, Provider> => ({
  'AWS::Lambda::Function': functionType(lambda, objects),
  'AWS::Lambda::Version': versionType(lambda),
  'AWS::Lambda::Permission': permissionType(lambda),
  'AWS::Lambda::EventSourceMapping': mappingType(lambda),
});

/** The properties that this file uses. The local Lambda service checks all others, and rejects properties that it does not support. */
const functionProperties = z.looseObject({
  FunctionName: z.string().optional(),
  Code: z.strictObject({ S3Bucket: z.string(), S3Key: z.string(), S3ObjectVersion: z.string().optional() }),
});

const functionType = (lambda: Lambda, objects: Pick<S3Service, 'readObject'>): Provider =>
  defineResourceType({
    properties: functionProperties,
    replacedBy: ['FunctionName', 'PackageType'],
    create: async (context, properties) => {
      const name = properties.FunctionName ?? context.generatedName.slice(-64);
      if (lambda.functionArns().includes(functionArn(context, name))) throw alreadyExists(context, name);
      await lambda.createFunction(await definitionOf(objects, context, properties, name));
      return createdFunction(context, name);
    },
    update: async (context, name, properties) => {
      await lambda.updateFunction(await definitionOf(objects, context, properties, name));
      return createdFunction(context, name);
    },
    delete: (context, name) => lambda.deleteFunction(functionArn(context, name)),
  });

type Code = z.infer<typeof functionProperties>['Code'];

const definitionOf = async (
  objects: Pick<S3Service, 'readObject'>,
  context: ResourceContext,
  { Code: code, ...properties }: z.infer<typeof functionProperties>,
  name: string,
): Promise<FunctionDefinition> => {
  const { accountId, region, artifacts } = context;
  const zipFile =
    artifacts === null ? await zipOfObject(objects, context, code) : await zipIn(artifacts, code);
  return { accountId, region, zipFile, properties: { ...properties, FunctionName: name } };
};

/** Reads the zip of a function's code from S3, with the permissions of the caller of the stack operation. */
const zipOfObject = (
  objects: Pick<S3Service, 'readObject'>,
  { caller }: ResourceContext,
  { S3Bucket: bucket, S3Key: key, S3ObjectVersion: versionId }: Code,
): Promise<Buffer> =>
  objects.readObject(caller, { bucket, key, versionId }).catch((cause: unknown) => {
    if (!(cause instanceof S3Error)) throw cause;
    const { code, message } = cause;
    const denied = `Your access has been denied by S3, please make sure your request credentials have permission to GetObject for ${bucket}/${key}.`;
    throw new Error(
      `${code === 'AccessDenied' ? denied : 'Error occurred while GetObject.'} S3 Error Code: ${code}. S3 Error Message: ${message}`,
      { cause },
    );
  });

const zipIn = async (artifacts: string, { S3Key: key }: Code): Promise<string> => {
  const zipFile = join(artifacts, basename(key));
  await access(zipFile).catch(() => {
    throw new Error(`Error occurred while GetObject. S3 Error Code: NoSuchKey: there is no file ${zipFile}`);
  });
  return zipFile;
};

const functionArn = ({ region, accountId }: ResourceContext, nameOrArn: string): string =>
  nameOrArn.startsWith('arn:') ? nameOrArn : `arn:aws:lambda:${region}:${accountId}:function:${nameOrArn}`;

const createdFunction = (context: ResourceContext, name: string): CreatedResource => ({
  physicalId: name,
  attributes: { Arn: functionArn(context, name) },
});

/** A published version is only a name in the local AWS. Invocations always run the latest code. */
const versionType = (lambda: Lambda): Provider => {
  const published = new Map<string, number>();
  return defineResourceType({
    properties: z.strictObject({
      FunctionName: z.string(),
      CodeSha256: z.string().optional(),
      Description: inert,
    }),
    replacedBy: ['FunctionName', 'CodeSha256'],
    create: (context, properties) => {
      const arn = functionArn(context, properties.FunctionName);
      const codeSha256 = lambda.function(arn).codeSha256();
      if (properties.CodeSha256 !== undefined && properties.CodeSha256 !== codeSha256) {
        throw new Error(
          `CodeSHA256 (${properties.CodeSha256}) is different from current CodeSHA256 in $LATEST (${codeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
        );
      }
      const version = (published.get(arn) ?? 0) + 1;
      published.set(arn, version);
      return createdVersion(`${arn}:${version}`);
    },
    update: (_context, physicalId) => createdVersion(physicalId),
    delete: () => undefined,
  });
};

const createdVersion = (versionArn: string): CreatedResource => ({
  physicalId: versionArn,
  attributes: { FunctionArn: versionArn, Version: versionArn.split(':').at(-1) ?? '' },
});

const permissionProperties = permissionShape.extend({ FunctionName: z.string() });

const permissionType = (lambda: Lambda): Provider =>
  defineResourceType({
    properties: permissionProperties,
    replacedBy: ['Action', 'FunctionName', 'Principal', 'SourceArn', 'SourceAccount'],
    create: (context, properties) => {
      const arn = functionArn(context, properties.FunctionName);
      const { FunctionName: _, ...permission } = properties;
      const statement = permissionStatement(arn, context.generatedName, permission);
      lambda.addPermission(arn, context.generatedName, statement);
      return { physicalId: context.generatedName, attributes: { Id: context.generatedName } };
    },
    update: (_context, physicalId) => ({ physicalId, attributes: { Id: physicalId } }),
    delete: (context, physicalId, properties) =>
      lambda.removePermission(functionArn(context, properties.FunctionName), physicalId),
  });

/** AWS::Lambda::EventSourceMapping. The local Lambda service checks its properties. */
const mappingType = (lambda: Lambda): Provider =>
  defineResourceType({
    properties: z.looseObject({ FunctionName: z.string() }),
    replacedBy: ['EventSourceArn'],
    create: async (context, properties) =>
      createdMapping(context, await lambda.eventSources.create(onFunction(context, properties))),
    update: async (context, uuid, properties) => {
      await lambda.eventSources.update(uuid, onFunction(context, properties));
      return createdMapping(context, uuid);
    },
    delete: (_context, uuid) => lambda.eventSources.delete(uuid),
  });

const onFunction = (
  context: ResourceContext,
  properties: { FunctionName: string },
): Record<string, unknown> => ({
  ...properties,
  FunctionName: functionArn(context, properties.FunctionName),
});

const createdMapping = ({ region, accountId }: ResourceContext, uuid: string): CreatedResource => ({
  physicalId: uuid,
  attributes: {
    Id: uuid,
    EventSourceMappingArn: `arn:aws:lambda:${region}:${accountId}:event-source-mapping:${uuid}`,
  },
});
