/** Asks an endpoint the questions that AWS's documents leave open. */
import { styleText } from 'node:util';
import type { Context } from '../context.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Resources } from '../resources.ts';
import { lambdaQuestions } from './lambda-questions.ts';
import { type DoubtfulStack, type Question, refusal } from './question.ts';
import { s3Questions } from './s3-questions.ts';
import { deployStack } from './stack.ts';

export const GROUP = 'doubtful';
export const questions: readonly Question[] = [...s3Questions, ...lambdaQuestions];

export interface Answer {
  name: string;
  question: string;
  seen: string;
}

/** Returns the questions with one of these names; all questions if `words` contains the name of the group. */
export const chooseQuestions = (words: readonly string[]): readonly Question[] =>
  words.includes(GROUP) ? questions : questions.filter(({ name }) => words.includes(name));

/**
 * Asks the questions one after the other. Only the question about EventBridge runs at the same time as the others, because it takes
 * minutes. The answer to a question that fails is its error.
 */
export const ask = async (
  chosen: readonly Question[],
  asked: { endpoint: Endpoint; context: Context; resources: Resources },
): Promise<Answer[]> => {
  const stack = chosen.some(({ needsStack }) => needsStack)
    ? await deployStack(asked.endpoint, asked.context, asked.resources).catch(refusal)
    : 'no stack is needed';
  const one = async (question: Question): Promise<Answer> => {
    const { name, question: text } = question;
    return { name, question: text, seen: await see(question, stack, asked) };
  };
  const long = chosen.filter(({ name }) => name === 'eventBridgeDelay').map(one);
  const answers: Answer[] = [];
  for (const question of chosen) if (question.name !== 'eventBridgeDelay') answers.push(await one(question));
  return [...answers, ...(await Promise.all(long))];
};

const see = async (
  question: Question,
  stack: DoubtfulStack | string,
  asked: { endpoint: Endpoint; context: Context; resources: Resources },
): Promise<string> => {
  if (typeof stack === 'string') {
    if (question.needsStack) return `not asked: ${stack}`;
    return await question.ask({ ...asked, stack: NO_STACK }).catch(refusal);
  }
  return await question.ask({ ...asked, stack }).catch(refusal);
};

const NO_STACK: DoubtfulStack = {
  completeAtMs: 0,
  functionName: '',
  queueUrl: '',
  queueArn: '',
  deadLetterQueueUrl: '',
  resultsUrl: '',
  eventsUrl: '',
  bucket: '',
  eventBucket: '',
};

export const answersText = (endpoint: string, answers: readonly Answer[]): string =>
  [
    `What ${endpoint} does:`,
    '',
    ...answers.flatMap(({ name, question, seen }) => [
      styleText('bold', name),
      `  ${question}`,
      `  seen: ${seen}`,
      '',
    ]),
  ].join('\n');
