import { createHash } from 'node:crypto';
import { type Input, isRecord, optionalRecord, optionalText } from './input.ts';
import { invalidMessageContents, invalidParameterValue, missingParameter } from './sqs-errors.ts';

export interface MessageAttribute {
  DataType: string;
  StringValue?: string;
  /** The binary value in base64, as in the JSON protocol. */
  BinaryValue?: string;
}

/** The content of a message, which complies with the rules of SQS. */
export interface MessageContent {
  body: string;
  bodyMd5: string;
  attributes: ReadonlyMap<string, MessageAttribute>;
  /** The MD5 of the attributes; `undefined` if there are none. */
  attributesMd5: string | undefined;
  /** The trace header and the message group id, which ReceiveMessage returns as system attributes. */
  systemAttributes: Readonly<Record<string, string>>;
  /** The size of the body and attributes together. SQS limits this size. */
  sizeBytes: number;
}

/**
 * Reads and checks the content of a message from a SendMessage request. `traceHeader` is the request's header X-Amzn-Trace-Id. SQS stores
 * it with the message as the system attribute AWSTraceHeader, and does not count it towards the size.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function parseMessageContent(input: Input, traceHeader?: string): MessageContent {
  const body = optionalText(input, 'MessageBody');
  if (body === undefined || body === '') throw missingParameter('MessageBody');
  refuseInvalidCharacters(body);
  const attributes = parseAttributes(optionalRecord(input, 'MessageAttributes'));
  return contentOf(body, attributes, parseSystemAttributes(input, traceHeader));
}

export function contentOf(
  body: string,
  attributes: ReadonlyMap<string, MessageAttribute> = new Map(),
  systemAttributes: Readonly<Record<string, string>> = {},
): MessageContent {
  let sizeBytes = Buffer.byteLength(body);
  for (const [name, attribute] of attributes) {
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + valueOf(attribute).length;
  }
  const attributesMd5 = attributes.size > 0 ? md5OfAttributes(attributes) : undefined;
  return { body, bodyMd5: md5(body), attributes, attributesMd5, systemAttributes, sizeBytes };
}

/**
 * Returns the MD5 of the attributes, sorted by name. For each attribute, it covers the name, the type, a byte for the kind of value, and
 * the value. The name, type and value are each preceded by their length in four bytes.
 *
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function md5OfAttributes(attributes: ReadonlyMap<string, MessageAttribute>): string {
  const hash = createHash('md5');
  const update = (bytes: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of [...attributes.keys()].sort()) {
    const attribute = attributes.get(name) ?? { DataType: 'String' };
    update(Buffer.from(name));
    update(Buffer.from(attribute.DataType));
    hash.update(Buffer.from([attribute.BinaryValue === undefined ? 1 : 2]));
    update(valueOf(attribute));
  }
  return hash.digest('hex');
}

/** Throws an error if the text contains a control character other than tab and line breaks, a lone surrogate, U+FFFE or U+FFFF. */
export function refuseInvalidCharacters(text: string): void {
  if (/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(text))
    throw invalidMessageContents();
}

function parseAttributes(input: Input): Map<string, MessageAttribute> {
  const names = Object.keys(input);
  if (names.length > 10) {
    throw invalidParameterValue(
      `Number of message attributes [${names.length}] exceeds the allowed maximum [10].`,
    );
  }
  return new Map(names.map((name) => [name, parseAttribute(name, input[name])]));
}

function parseAttribute(name: string, value: unknown): MessageAttribute {
  const isValidName =
    /^[\w.-]{1,256}$/.test(name) && !/^\.|\.$|\.\./.test(name) && !/^(aws|amazon)\./i.test(name);
  if (!isValidName) {
    throw invalidParameterValue(
      'Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and ' +
        'underscores, must not start with AWS. or Amazon., and must not have adjacent, leading or trailing periods.',
    );
  }
  if (!isRecord(value)) throw invalidParameterValue(`The message attribute '${name}' must be a structure.`);
  const dataType = optionalText(value, 'DataType') ?? '';
  const [, base = ''] = /^(String|Number|Binary)(\..+)?$/.exec(dataType) ?? [];
  if (base === '' || dataType.length > 256) {
    throw invalidParameterValue(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const given = optionalText(value, base === 'Binary' ? 'BinaryValue' : 'StringValue') ?? '';
  if (given === '') {
    throw invalidParameterValue(
      `The message attribute '${name}' must contain a non-empty message attribute value for message attribute type '${base}'.`,
    );
  }
  if (base === 'Binary') return { DataType: dataType, BinaryValue: given };
  refuseInvalidCharacters(given);
  if (base === 'Number' && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given)) {
    throw invalidParameterValue(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
  return { DataType: dataType, StringValue: given };
}

function parseSystemAttributes(input: Input, traceHeader: string | undefined): Record<string, string> {
  const system: Record<string, string> = {};
  if (traceHeader !== undefined) system.AWSTraceHeader = traceHeader;
  const trace = optionalRecord(input, 'MessageSystemAttributes').AWSTraceHeader;
  if (isRecord(trace)) system.AWSTraceHeader = optionalText(trace, 'StringValue') ?? '';
  const group = optionalText(input, 'MessageGroupId');
  if (group !== undefined) system.MessageGroupId = group;
  return system;
}

function valueOf(attribute: MessageAttribute): Buffer {
  return attribute.BinaryValue === undefined
    ? Buffer.from(attribute.StringValue ?? '')
    : Buffer.from(attribute.BinaryValue, 'base64');
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
