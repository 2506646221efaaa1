/** A first-in, first-out list. Unlike `Array.shift`, its `shift` does not move all remaining elements. */
export interface Fifo<T> {
  push(value: T): void;
  shift(): T | undefined;
  length(): number;
}

export function createFifo<T>(): Fifo<T> {
  let values: T[] = [];
  let head = 0;
  return {
    push(value) {
      values.push(value);
    },
    shift() {
      const value = values[head];
      if (head < values.length) head += 1;
      if (head > 4096 && head * 2 > values.length) {
        values = values.slice(head);
        head = 0;
      }
      return value;
    },
    length: () => values.length - head,
  };
}
