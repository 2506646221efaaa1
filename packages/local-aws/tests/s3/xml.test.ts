import { expect, test } from 'vitest';
import { escapeXml, parseXml, textOf } from '../../src/s3/protocol/xml.ts';

const parse = (inside: string) => parseXml(`<?xml version="1.0"?>\n<r xmlns="urn:x">${inside}</r>`, 'r');

test('escaped text is parsed back unchanged', () => {
  const text = '<a&b> "q" \'s\' \u0001\r\n\t ü🪣';
  expect(textOf(parse(`<k>${escapeXml(text)}</k>`), 'k')).toBe(text);
});

test('the XML parser ignores comments, prefixes and attributes, and unwraps CDATA', () => {
  const root = parse('<!-- <k>no</k> --><s3:k a="1" b=\'2\'><![CDATA[<&>]]></s3:k><empty/>');
  expect(textOf(root, 'k')).toBe('<&>');
  expect(root.children.map((child) => child.name)).toEqual(['k', 'empty']);
});

test.each([
  '',
  '<r>',
  '<r></r><r></r>',
  '<r></x>',
  '<r><a></r></a>',
  '<other></other>',
  '<r>&unknown;</r>',
  '<r>&#x110000;</r>',
  '<r>a & b</r>',
  '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>',
  'text<r></r>',
])('the document %j is MalformedXML', (source) => {
  expect(() => parseXml(source, 'r')).toThrow(expect.objectContaining({ code: 'MalformedXML' }));
});
