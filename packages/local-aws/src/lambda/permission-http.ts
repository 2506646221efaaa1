import { z } from 'zod';
import type { PolicyStatement } from '../core/access.ts';

/** The fields of AddPermission and of AWS::Lambda::Permission that the local Lambda supports. */
export const permissionShape = z.strictObject({
  Action: z.string(),
  Principal: z.string(),
  SourceArn: z.string().optional(),
  SourceAccount: z.string().optional(),
});

/** The statement that a permission adds to the policy of the function. */
export const permissionStatement = (
  functionArn: string,
  statementId: string,
  permission: z.infer<typeof permissionShape>,
): PolicyStatement => {
  const {
    Action: action,
    Principal: principal,
    SourceArn: sourceArn,
    SourceAccount: sourceAccount,
  } = permission;
  const isService = principal.endsWith('.amazonaws.com');
  return {
    Sid: statementId,
    Effect: 'Allow',
    Principal: principal === '*' ? '*' : { [isService ? 'Service' : 'AWS']: principal },
    Action: action,
    Resource: functionArn,
    Condition: {
      ...(sourceArn !== undefined && { ArnLike: { 'AWS:SourceArn': sourceArn } }),
      ...(sourceAccount !== undefined && { StringEquals: { 'AWS:SourceAccount': sourceAccount } }),
    },
  };
};
