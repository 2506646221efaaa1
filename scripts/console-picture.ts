/**
 * Takes the screenshot of docs/console.md. Uploads objects for some minutes, so that the plots show real work. Some of the objects are
 * refused, and a backfill has been verified. Needs `npm run package` and `npm run browser`.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { runReplicatorCli } from '../demo/replicator-cli.ts';
import { openBrowser } from '../tests/e2e/support/console/browser.ts';
import { startConsoleStage } from '../tests/e2e/support/console/stage.ts';

const PICTURE = join(import.meta.dirname, '../docs/console.png');
const { minutes } = parseArgs({ options: { minutes: { type: 'string', default: '8' } } }).values;

await using stage = await startConsoleStage();
const { accounts } = stage;
const started = ['backfill', 'start', '--rule', 'media', '--yes', '--config', accounts.replicationFile];
await runReplicatorCli(started, accounts.source.environment());
const endMs = Date.now() + Number(minutes) * 60_000;
for (let round = 0; Date.now() < endMs; round += 1) {
  const count = 2 + Math.round(2 * Math.sin(round / 4) ** 2);
  for (let index = 0; index < count; index += 1)
    for (const [Bucket, prefix] of [
      ['acme-documents', 'invoices/'],
      ['acme-media', 'photos/'],
    ])
      await accounts.source
        .s3()
        .send(new PutObjectCommand({ Bucket, Key: `${prefix}${round}/${index}`, Body: 'x'.repeat(40_000) }));
  await sleep(10_000);
}
await using served = await stage.serve();
await using browser = await openBrowser();
await browser.page.goto(served.link);
await browser.page.waitForSelector('.rule');
await browser.page.screenshot({ path: PICTURE });
console.log(PICTURE);
