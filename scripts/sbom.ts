/** Writes which packages are bundled into the functions: `.serverless/sbom.cdx.json` (CycloneDX) and `.serverless/licences.txt`. */
import { functionMetafiles, writeSbom } from './bundled-packages.ts';

const count = writeSbom('.serverless', await functionMetafiles());
console.log(`${count} packages are bundled: .serverless/sbom.cdx.json, .serverless/licences.txt`);
