/**
 * Installs S3 servers that nobody here wrote into `.foreign`, from the names of their packages, for `DRAW=all npx vitest run tests/foreign`
 * and the soak. What cannot be installed is named, and its tests are skipped. Ceph comes from Debian instead:
 * `apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOREIGN } from './folder.ts';

/**
 * Maven installs the newest S3Proxy. The annotations of Jackson are given in the version with which S3Proxy was built, because its own
 * dependencies ask for an older version.
 */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>foreign</groupId><artifactId>foreign</artifactId><version>1</version><dependencies>
<dependency><groupId>org.gaul</groupId><artifactId>s3proxy</artifactId><version>RELEASE</version></dependency>
<dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-annotations</artifactId><version>2.21</version></dependency>
</dependencies></project>`;

const python = join(FOREIGN, 'venv');
const pom = join(FOREIGN, 'pom.xml');

const STEPS: Record<string, string[][]> = {
  versitygw: [['go', 'install', 'github.com/versity/versitygw/cmd/versitygw@latest']],
  minio: [['go', 'install', 'github.com/minio/minio@latest']],
  // The module of seaweedfs replaces another module. Only a main module may do that, so these commands make a main module with the same
  // replacement.
  seaweedfs: [
    ['go', 'mod', 'init', 'foreign'],
    ['go', 'mod', 'edit', '-replace', 'github.com/tyler-smith/go-bip39=github.com/cosmos/go-bip39@v1.0.0'],
    ['go', 'get', 'github.com/seaweedfs/seaweedfs/weed@latest'],
    ['go', 'build', '-o', join(FOREIGN, 'bin', 'weed'), 'github.com/seaweedfs/seaweedfs/weed'],
  ],
  gofakes3: [['go', 'install', 'github.com/johannesboyne/gofakes3/cmd/gofakes3@latest']],
  'moto and ministack': [
    ['python3', '-m', 'venv', python],
    [join(python, 'bin/pip'), 'install', '--quiet', 'moto[server]', 'ministack'],
  ],
  s3rver: [['npm', 'install', '--prefix', FOREIGN, '--no-save', 's3rver@3']],
  s3proxy: [
    [
      'mvn',
      '-q',
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${join(FOREIGN, 's3proxy')}`,
    ],
  ],
};

mkdirSync(FOREIGN, { recursive: true });
writeFileSync(pom, POM);
const env = { ...process.env, GOBIN: join(FOREIGN, 'bin') };
for (const [name, steps] of Object.entries(STEPS)) {
  const failed = steps.find(
    ([command = '', ...argv]) =>
      spawnSync(command, argv, { env, cwd: FOREIGN, stdio: 'inherit' }).status !== 0,
  );
  console.log(
    failed === undefined ? `${name} is installed` : `${name} is not installed: ${failed.join(' ')} failed`,
  );
}
