/**
 * Setup of every test file. Test files share a process. Without this setup, AWS variables that one file sets would change the credentials
 * and endpoints of the next file.
 */
import { dropAwsVariables } from './aws-variables.ts';

dropAwsVariables();
Object.defineProperty(process, 'env', { value: process.env, writable: false });
