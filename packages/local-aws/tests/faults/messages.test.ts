import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createFaultPlan, type RuledFaultPlan } from '../../src/faults/fault-plan.ts';
import type { MessageRule } from '../../src/faults/fault-rule.ts';
import { BUCKET, QUEUE, type Stand, startStand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await startStand();
});
afterAll(() => stand.stop());
afterEach(() => {
  stand.aws.faults.plan = undefined;
  const arn = `arn:aws:sqs:${stand.aws.region}:111111111111:${QUEUE}`;
  stand.aws.sqs.queues.byArn(arn)?.messages.purge();
});

const install = (rule: Omit<MessageRule, 'queue'>, seed = 1): RuledFaultPlan => {
  const plan = createFaultPlan({ rules: [{ queue: QUEUE, ...rule }], seed, clock: stand.aws.clock });
  stand.aws.faults.plan = plan;
  return plan;
};
const put = async (...keys: string[]): Promise<void> => {
  for (const Key of keys) await stand.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }));
};
const receiveOne = async () => {
  const { Messages: messages = [] } = await stand.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: stand.queueUrl, MessageSystemAttributeNames: ['All'] }),
  );
  return messages[0];
};

test('a delayed notification arrives later by the local clock', async () => {
  install({ sender: 's3.amazonaws.com', key: 'late', fault: { kind: 'delay-message', byMs: 60_000 } });
  await put('late', 'in time');
  expect(await stand.receivedKeys()).toEqual(['in time']);
  stand.aws.clock.advance(60_000);
  expect(await stand.receivedKeys()).toContain('late');
});

test('a duplicated notification arrives as two messages', async () => {
  const plan = install({ fault: { kind: 'duplicate-message', copies: 1 }, key: 'twice', times: 1 });
  await put('twice', 'once');
  expect((await stand.receivedKeys()).sort()).toEqual(['once', 'twice', 'twice']);
  expect(plan.injected()).toMatchObject([{ what: 'message sent', subject: `${QUEUE} twice` }]);
});

test('an overtaken notification arrives after later ones', async () => {
  install({ fault: { kind: 'overtake-message', by: 2 }, key: 'first' });
  await put('first', 'second', 'third', 'fourth');
  expect(await stand.receivedKeys()).toEqual(['second', 'third', 'first', 'fourth']);
});

test('a held notification arrives once it is released', async () => {
  const plan = install({ fault: { kind: 'hold-message' }, key: 'held' });
  await put('held', 'free');
  expect(await stand.receivedKeys()).toEqual(['free']);
  expect(plan.held()).toHaveLength(1);
  plan.release();
  expect(await stand.receivedKeys()).toEqual(['held']);
});

test('a message that becomes visible too early is received again, and the older receipt deletes nothing', async () => {
  await put('again');
  const plan = install({ fault: { kind: 'visible-again', afterMs: 0 }, times: 1 });
  const first = await receiveOne();
  const second = await receiveOne();
  expect(second?.MessageId).toBe(first?.MessageId);
  expect(second?.Attributes?.['ApproximateReceiveCount']).toBe('2');
  expect(plan.count('visible-again')).toBe(1);
  const late = { QueueUrl: stand.queueUrl, ReceiptHandle: first?.ReceiptHandle };
  await stand.sqs.send(new DeleteMessageCommand(late));
  await expect(
    stand.sqs.send(new ChangeMessageVisibilityCommand({ ...late, VisibilityTimeout: 1 })),
  ).rejects.toThrow("isn't in flight");
  stand.aws.clock.advance(30_000);
  expect((await receiveOne())?.MessageId).toBe(first?.MessageId);
});

test('a message whose deletion is forgotten comes back', async () => {
  await put('undead');
  install({ fault: { kind: 'forget-delete' }, times: 1 });
  const first = await receiveOne();
  const receipt = { QueueUrl: stand.queueUrl, ReceiptHandle: first?.ReceiptHandle };
  await stand.sqs.send(new DeleteMessageCommand(receipt));
  stand.aws.clock.advance(30_000);
  const second = await receiveOne();
  expect(second?.MessageId).toBe(first?.MessageId);
  await stand.sqs.send(new DeleteMessageCommand({ ...receipt, ReceiptHandle: second?.ReceiptHandle }));
  stand.aws.clock.advance(30_000);
  expect(await receiveOne()).toBeUndefined();
});

test('shuffled messages are received in an order that the seed decides', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const orderOf = async (seed: number): Promise<string> => {
    install({ fault: { kind: 'shuffle' } }, seed);
    await put(...keys);
    return (await stand.receivedKeys()).join('');
  };
  const order = await orderOf(5);
  expect(order.split('').sort()).toEqual(keys);
  expect(order).not.toBe(keys.join(''));
  expect(await orderOf(5)).toBe(order);
  expect(await orderOf(6)).not.toBe(order);
});

test('a held message of a client keeps the id that its sender received', async () => {
  install({ sender: 'client', fault: { kind: 'hold-message' } });
  const send = new SendMessageCommand({ QueueUrl: stand.queueUrl, MessageBody: 'hello' });
  const { MessageId: id } = await stand.sqs.send(send);
  expect(await receiveOne()).toBeUndefined();
  stand.aws.faults.plan?.release?.();
  expect((await receiveOne())?.MessageId).toBe(id);
});
