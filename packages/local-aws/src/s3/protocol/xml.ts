/** Writes XML as S3 does, with control characters in keys preserved, and parses request bodies strictly. */
import { S3Error } from '../errors.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Returns a complete response document in S3's namespace. */
export const xmlDocument = (name: string, ...children: string[]): string =>
  `${XML_DECLARATION}<${name} xmlns="${NAMESPACE}">${children.join('')}</${name}>`;

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Returns an element with child elements. */
export const xmlElement = (name: string, ...children: string[]): string =>
  `<${name}>${children.join('')}</${name}>`;

/** Returns an element with text; '' if the value is null or undefined. */
export const xmlText = (name: string, value: string | number | boolean | null | undefined): string =>
  value === null || value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`;

/** Escapes text. S3 writes control characters as numeric references, although XML 1.0 forbids most of them. */
export const escapeXml = (text: string): string =>
  SPECIAL.test(text)
    ? text.replace(SPECIAL_ALL, (character) => ENTITIES[character] ?? reference(character))
    : text;

// oxlint-disable-next-line no-control-regex -- the characters that this finds are control characters
const SPECIAL = /[&<>"\u0000-\u001f\ufffe\uffff]/;
// oxlint-disable-next-line no-control-regex -- the characters that this finds are control characters
const SPECIAL_ALL = /[&<>"\u0000-\u001f\ufffe\uffff]/g;
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const reference = (character: string): string => `&#x${character.charCodeAt(0).toString(16)};`;

/**
 * Returns a date as response documents contain it. S3 stores whole seconds, but writes dates with
 * milliseconds.
 */
export const listedDate = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString();

/** An element of a request body, without namespace prefixes and attributes. */
export interface XmlNode {
  name: string;
  /** The text directly inside the element, with entities and character references resolved. */
  text: string;
  children: XmlNode[];
}

/** Parses a document. Throws MalformedXML if the text is not XML or its root element is not `rootName`. */
export const parseXml = (source: string, rootName: string): XmlNode => {
  const root: XmlNode = { name: '', text: '', children: [] };
  const open: XmlNode[] = [root];
  let at = source.startsWith('\ufeff') ? 1 : 0;
  while (at < source.length) {
    const lessThan = source.indexOf('<', at);
    const textEnd = lessThan === -1 ? source.length : lessThan;
    appendText(open, unescapeXml(source.slice(at, textEnd)));
    if (lessThan === -1) break;
    at = readMarkup(source, lessThan, open);
  }
  const document = root.children[0];
  if (
    open.length !== 1 ||
    root.children.length !== 1 ||
    document?.name !== rootName ||
    root.text.trim() !== ''
  )
    throw new S3Error('MalformedXML');
  return document;
};

export const childrenOf = (node: XmlNode, name: string): XmlNode[] =>
  node.children.filter((child) => child.name === name);

export const childOf = (node: XmlNode, name: string): XmlNode | undefined =>
  node.children.find((child) => child.name === name);

export const textOf = (node: XmlNode, name: string): string | undefined => childOf(node, name)?.text;

const appendText = (open: XmlNode[], text: string): void => {
  const parent = open.at(-1);
  if (parent !== undefined && text !== '') parent.text += text;
};

/** Reads the tag, comment or other markup at `at` and returns the position after it. */
const readMarkup = (source: string, at: number, open: XmlNode[]): number => {
  if (source.startsWith('<!--', at)) return after(source, '-->', at + 4);
  if (source.startsWith('<?', at)) return after(source, '?>', at + 2);
  if (source.startsWith('<![CDATA[', at)) {
    const end = after(source, ']]>', at + 9);
    appendText(open, source.slice(at + 9, end - 3));
    return end;
  }
  const end = after(source, '>', at + 1);
  const tag = TAG.exec(source.slice(at, end));
  if (tag === null) throw new S3Error('MalformedXML');
  const [, slash, qualifiedName = '', selfClosing] = tag;
  const name = qualifiedName.slice(qualifiedName.indexOf(':') + 1);
  if (slash === '/') closeElement(open, name);
  else openElement(open, name, selfClosing === '/');
  return end;
};

const TAG = /^<(\/?)([A-Za-z_][\w.:-]*)(?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)>$/;

const openElement = (open: XmlNode[], name: string, selfClosing: boolean): void => {
  const node: XmlNode = { name, text: '', children: [] };
  open.at(-1)?.children.push(node);
  if (!selfClosing) open.push(node);
};

const closeElement = (open: XmlNode[], name: string): void => {
  const node = open.pop();
  if (open.length === 0 || node?.name !== name) throw new S3Error('MalformedXML');
};

const after = (source: string, terminator: string, from: number): number => {
  const end = source.indexOf(terminator, from);
  if (end === -1) throw new S3Error('MalformedXML');
  return end + terminator.length;
};

const unescapeXml = (text: string): string =>
  text.includes('&') ? text.replace(/&([^;]{0,10};?)/g, (_, entity: string) => resolveEntity(entity)) : text;

const NAMED: Record<string, string> = { 'amp;': '&', 'lt;': '<', 'gt;': '>', 'quot;': '"', 'apos;': "'" };

const resolveEntity = (entity: string): string => {
  const named = NAMED[entity];
  if (named !== undefined) return named;
  const numeric = /^#(?:x([0-9a-fA-F]+)|([0-9]+));$/.exec(entity);
  if (numeric === null) throw new S3Error('MalformedXML');
  const codePoint = numeric[1] === undefined ? Number(numeric[2]) : Number.parseInt(numeric[1], 16);
  if (codePoint > 0x10ffff) throw new S3Error('MalformedXML');
  return String.fromCodePoint(codePoint);
};
