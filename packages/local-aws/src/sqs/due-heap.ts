/** A priority queue whose entries have a due time. It returns the entry that is due first. */
export interface DueHeap<T> {
  add(dueMs: number, value: T): void;
  /** Returns when the first entry is due; Infinity if the heap is empty. */
  firstDueMs(): number;
  /** Removes the first entry and returns it. */
  take(): { dueMs: number; value: T } | undefined;
  /** Removes the entries for which `isNeeded` returns false. */
  retain(isNeeded: (dueMs: number, value: T) => boolean): void;
  size(): number;
}

export function createDueHeap<T>(): DueHeap<T> {
  let entries: { dueMs: number; value: T }[] = [];
  const dueAt = (index: number): number => entries[index]?.dueMs ?? Infinity;
  const swap = (a: number, b: number): void => {
    const [x, y] = [entries[a], entries[b]];
    if (x && y) [entries[a], entries[b]] = [y, x];
  };
  return {
    add(dueMs, value) {
      let index = entries.push({ dueMs, value }) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (dueAt(parent) <= dueAt(index)) return;
        swap(parent, index);
        index = parent;
      }
    },
    firstDueMs: () => dueAt(0),
    // The entries are sorted, because a sorted list is a valid heap.
    retain(isNeeded) {
      entries = entries
        .filter(({ dueMs, value }) => isNeeded(dueMs, value))
        .sort((a, b) => a.dueMs - b.dueMs);
    },
    size: () => entries.length,
    take() {
      const first = entries[0];
      const last = entries.pop();
      if (!last || last === first) return first;
      entries[0] = last;
      for (let index = 0; ;) {
        const left = 2 * index + 1;
        const smaller = dueAt(left + 1) < dueAt(left) ? left + 1 : left;
        if (dueAt(smaller) >= dueAt(index)) return first;
        swap(smaller, index);
        index = smaller;
      }
    },
  };
}
