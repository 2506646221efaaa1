/** Finds out the part boundaries with which an object was uploaded at the source. */
import { mapConcurrently } from '../model/concurrency.ts';
import type { Pin, SourceBucket } from '../model/ports.ts';
import { partsInEtag } from '../replica/proof.ts';
import type { PartLayout } from './part-layout.ts';
import { isRefusal } from './refusal.ts';
import { type KnownLayout, uniformLayout } from './part-plan.ts';

const HEADS_AT_ONCE = 16;

/**
 * Resolves to the layout of a source object. If the server does not support `partNumber`, equal parts are assumed. The ETag of
 * the completed copy shows whether this guess was right. With `exact`, also finds out the size of each part. This costs a few
 * HEAD requests, or one per part if the sizes differ.
 */
export const layoutAtSource = async (
  source: SourceBucket,
  key: string,
  version: Pin,
  exact: boolean,
): Promise<KnownLayout> => {
  const parts = partsInEtag(version.etag);
  const guessed = { layout: uniformLayout(version.sizeBytes, parts), isOwn: false };
  if (parts === null) return guessed;
  const sizeOf = async (partNumber: number): Promise<number | null> => {
    const part = await nullIfRefused(source.part(key, version, partNumber));
    return part?.parts === parts ? part.sizeBytes : null;
  };
  const first = await sizeOf(1);
  if (first === null) return guessed;
  if (!exact) return { layout: { kind: 'numbered', parts }, isOwn: true };
  const layout = (await uniform(version.sizeBytes, parts, first, sizeOf)) ?? (await sized(parts, sizeOf));
  return layout !== null && bytesIn(layout, version.sizeBytes) === version.sizeBytes
    ? { layout, isOwn: true }
    : guessed;
};

/** Resolves to null if the server refuses the request, for example because the object has no part with that number. */
const nullIfRefused = async <T>(answer: Promise<T>): Promise<T | null> => {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
};

/** Checks a few parts to see whether all except the last have the same size. Resolves to null if the sizes differ. */
const uniform = async (
  sizeBytes: number,
  parts: number,
  partBytes: number,
  sizeOf: (partNumber: number) => Promise<number | null>,
): Promise<PartLayout | null> => {
  if (sizeBytes <= partBytes * (parts - 1) || sizeBytes > partBytes * parts) return null;
  const some = new Set([2, Math.ceil(parts / 2), parts - 1].filter((each) => each > 1 && each < parts));
  const sizes = await mapConcurrently([...some], HEADS_AT_ONCE, sizeOf);
  const last = parts === 1 ? partBytes : await sizeOf(parts);
  const isUniform = sizes.every((each) => each === partBytes) && last === sizeBytes - partBytes * (parts - 1);
  return isUniform ? { kind: 'uniform', partBytes: Math.max(1, partBytes) } : null;
};

const sized = async (
  parts: number,
  sizeOf: (partNumber: number) => Promise<number | null>,
): Promise<PartLayout | null> => {
  const numbers = Array.from({ length: parts }, (_, index) => index + 1);
  const runs: { parts: number; bytes: number }[] = [];
  for (const bytes of await mapConcurrently(numbers, HEADS_AT_ONCE, sizeOf)) {
    if (bytes === null) return null;
    const last = runs.at(-1);
    if (last?.bytes === bytes) last.parts += 1;
    else runs.push({ parts: 1, bytes });
  }
  return { kind: 'sized', runs };
};

const bytesIn = (layout: PartLayout, sizeBytes: number): number =>
  layout.kind === 'sized' ? layout.runs.reduce((sum, { parts, bytes }) => sum + parts * bytes, 0) : sizeBytes;
