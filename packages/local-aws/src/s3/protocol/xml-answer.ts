import type { Answer } from './request.ts';

/** Returns a response with status 200 and an XML document. */
export const xmlAnswer = (body: string, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'application/xml', ...headers },
  body,
});
