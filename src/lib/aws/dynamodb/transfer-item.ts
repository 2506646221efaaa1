/** A transfer as an item of its table. */
import type { PartLayout } from '../../copy/part-layout.ts';
import type { Transfer } from '../../copy/transfer/transfer.ts';

export type Item = Record<string, unknown>;

/** The layout is text: as a list, that of 10,000 unequal parts would need most of what an item may hold (400 KB). */
export const transferItem = ({ id, layout, ...others }: Transfer): Item => ({
  transfer: id,
  ...others,
  layout: layoutText(layout),
});

/** Of what {@link transferItem} made, and nobody else. */
export const transferOf = (item: Item): Transfer => {
  const { transfer: id, layout, ...others } = item;
  return { ...(others as unknown as Transfer), id: String(id), layout: layoutOf(String(layout)) };
};

/** `numbered 3`, `uniform 8388608`, `sized 1x5242880 7x8388608`. */
const layoutText = (layout: PartLayout): string => {
  switch (layout.kind) {
    case 'numbered':
      return `numbered ${layout.parts}`;
    case 'uniform':
      return `uniform ${layout.partBytes}`;
    case 'sized':
      return `sized ${layout.runs.map(({ parts, bytes }) => `${parts}x${bytes}`).join(' ')}`;
  }
};

const layoutOf = (text: string): PartLayout => {
  const [kind, ...rest] = text.split(' ');
  if (kind === 'numbered') return { kind, parts: Number(rest[0]) };
  if (kind === 'uniform') return { kind, partBytes: Number(rest[0]) };
  const runs = rest.map((run) => run.split('x').map(Number));
  return { kind: 'sized', runs: runs.map(([parts = 0, bytes = 0]) => ({ parts, bytes })) };
};
