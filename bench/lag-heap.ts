export interface Heap<T> {
  push(item: T): void;
  /** Removes the smallest item. */
  pop(): T | undefined;
  peek(): T | undefined;
}

export const ascending = (one: number, other: number): number => one - other;

/** Creates a binary heap. */
export const createHeap = <T>(compare: (one: T, other: T) => number): Heap<T> => {
  const items: T[] = [];
  const isBefore = (one: number, other: number): boolean => compare(items[one]!, items[other]!) < 0;
  const swap = (one: number, other: number): void => {
    [items[one], items[other]] = [items[other]!, items[one]!];
  };
  return {
    push(item) {
      let at = items.push(item) - 1;
      for (let above = (at - 1) >> 1; at > 0 && isBefore(at, above); above = (at - 1) >> 1) {
        swap(at, above);
        at = above;
      }
    },
    pop() {
      if (items.length === 0) return undefined;
      swap(0, items.length - 1);
      const top = items.pop();
      for (let at = 0; ;) {
        let least = at;
        for (const below of [2 * at + 1, 2 * at + 2])
          if (below < items.length && isBefore(below, least)) least = below;
        if (least === at) return top;
        swap(at, least);
        at = least;
      }
    },
    peek: () => items[0],
  };
};
