/**
 * Setup of every test file. Test files share a process, and what one of them leaves in the variables of AWS would change the credentials
 * and endpoints of the next.
 */
import { dropAwsVariables } from './aws-variables.ts';

dropAwsVariables();
Object.defineProperty(process, 'env', { value: process.env, writable: false });
