/** Setup of every test file. Gives PROPERTY_SEED to all random tests, including those whose titles name no seed. */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['PROPERTY_SEED']) });
