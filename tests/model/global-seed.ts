/** Setup of every test file. Gives PROPERTY_SEED to all random tests, including those whose titles name no seed. */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['PROPERTY_SEED']) });

// Test files share a process. What one of them leaves in these variables would change the credentials and endpoints of the next.
for (const name of Object.keys(process.env))
  if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
