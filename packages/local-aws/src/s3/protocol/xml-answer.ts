import type { Answer } from './request.ts';

/** A 200 with an XML document. */
export const xmlAnswer = (body: string, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'application/xml', ...headers },
  body,
});
