/**
 * Computes a CRC of up to 64 bits in WebAssembly, because JavaScript has 64-bit integers only as BigInt. The algorithm is slicing-by-16.
 * This file assembles the WebAssembly module from instructions of the WebAssembly Core Specification ("Binary Format").
 */

/** Updates the register of a CRC with bytes. The caller starts with a register of ones and inverts the final register. */
export type AdvanceCrc = (register: bigint, bytes: Buffer) => bigint;

/** Creates the function for the CRC with this polynomial, which is in reflected form. */
export const createCrcModule = (polynomial: bigint): AdvanceCrc => {
  const { memory, advance } = new WebAssembly.Instance(new WebAssembly.Module(MODULE)).exports;
  new BigUint64Array(memory.buffer, 0, SLICES * 256).set(slicingTables(polynomial));
  const window = new Uint8Array(memory.buffer, WINDOW_AT, WINDOW_BYTES);
  return (register, bytes) => {
    let value = register;
    for (let at = 0; at < bytes.length; at += WINDOW_BYTES) {
      const piece = bytes.subarray(at, at + WINDOW_BYTES);
      window.set(piece);
      value = advance(value, WINDOW_AT, WINDOW_AT + piece.length);
    }
    return value;
  };
};

/** The members of `WebAssembly` that this file uses. Node's types do not declare them. */
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object) => {
    exports: {
      memory: { buffer: ArrayBuffer };
      advance(register: bigint, at: number, end: number): bigint;
    };
  };
};

// Number of tables. The memory of the module holds the tables, followed by a window into which input bytes are copied.
const SLICES = 16;
const TABLE_BYTES = 256 * 8;
const WINDOW_AT = SLICES * TABLE_BYTES;
const WINDOW_BYTES = 64 * 1024;
const PAGES = Math.ceil((WINDOW_AT + WINDOW_BYTES) / (64 * 1024));

/**
 * Returns the tables of slicing-by-16. Table 0 maps a byte to its effect on the register. Table n maps a byte to the effect of that byte
 * followed by n zero bytes.
 */
const slicingTables = (polynomial: bigint): bigint[] => {
  const tables: bigint[] = [];
  for (let byte = 0n; byte < 256n; byte += 1n) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >> 1n) ^ ((value & 1n) * polynomial);
    tables.push(value);
  }
  for (let at = 256; at < SLICES * 256; at += 1) {
    const value = tables[at - 256] ?? 0n;
    tables.push((value >> 8n) ^ (tables[Number(value & 255n)] ?? 0n));
  }
  return tables;
};

type WasmBytes = number[];

const code = (...parts: (number | WasmBytes)[]): WasmBytes => parts.flat();
const unsigned = (value: number): WasmBytes =>
  value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
const signed = (value: number): WasmBytes =>
  value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
const sized = (content: WasmBytes): WasmBytes => code(unsigned(content.length), content);

const I32 = 0x7f;
const I64 = 0x7e;
const NOTHING = 0x40;
const END = 0x0b;
const LESS_32 = 0x49;
const AT_LEAST_32 = 0x4f;
const ADD_32 = 0x6a;
const SUBTRACT_32 = 0x6b;
const AND_32 = 0x71;
const XOR_32 = 0x73;
const SHIFT_LEFT_32 = 0x74;
const XOR_64 = 0x85;
const SHIFT_RIGHT_64 = 0x88;
const LOW_HALF = 0xa7;
const LOAD_BYTE = [0x2d, 0, 0];
const load64 = (offset: number): WasmBytes => code(0x29, 3, unsigned(offset));
const get = (local: number): WasmBytes => [0x20, local];
const set = (local: number): WasmBytes => [0x21, local];
const int32 = (value: number): WasmBytes => code(0x41, signed(value));
const int64 = (value: number): WasmBytes => code(0x42, signed(value));
const loopWhile = (condition: WasmBytes, body: WasmBytes): WasmBytes =>
  code(0x03, NOTHING, condition, 0x04, NOTHING, body, 0x0c, 1, END, END);

const REGISTER = 0;
const AT = 1;
const LIMIT = 2;
const FIRST_WORD = 3;
const SECOND_WORD = 4;

const step = (bytes: number): WasmBytes => code(get(AT), int32(bytes), ADD_32, set(AT));
/** Returns the instructions that replace the byte on the stack with its entry in a table. */
const tableEntry = (table: number): WasmBytes =>
  code(int32(255), AND_32, int32(3), SHIFT_LEFT_32, load64(table * TABLE_BYTES));

const sliceOf = (byte: number): WasmBytes => {
  const word = byte < 8 ? FIRST_WORD : SECOND_WORD;
  return code(get(word), int64((byte % 8) * 8), SHIFT_RIGHT_64, LOW_HALF, tableEntry(SLICES - 1 - byte));
};

const SIXTEEN_BYTES = code(
  code(get(AT), load64(0), get(REGISTER), XOR_64, set(FIRST_WORD)),
  code(get(AT), load64(8), set(SECOND_WORD)),
  // Adds the table entries from the last byte to the first, because those of the first bytes depend on the register, which is available
  // last.
  int64(0),
  Array.from({ length: SLICES }, (_, index) => code(sliceOf(SLICES - 1 - index), XOR_64)).flat(),
  code(set(REGISTER), step(SLICES)),
);

const ONE_BYTE = code(
  code(get(REGISTER), LOW_HALF, get(AT), LOAD_BYTE, XOR_32, tableEntry(0)),
  code(get(REGISTER), int64(8), SHIFT_RIGHT_64, XOR_64, set(REGISTER), step(1)),
);

const BODY = code(
  [1, 2, I64],
  loopWhile(code(get(LIMIT), get(AT), SUBTRACT_32, int32(SLICES), AT_LEAST_32), SIXTEEN_BYTES),
  loopWhile(code(get(AT), get(LIMIT), LESS_32), ONE_BYTE),
  code(get(REGISTER), END),
);

const section = (id: number, content: WasmBytes): WasmBytes => code(id, sized(content));
const exportName = (text: string): WasmBytes => sized([...Buffer.from(text)]);

/** The bytes of the WebAssembly module, which exports one function and its memory. */
const MODULE = Uint8Array.from(
  code(
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, 3, I64, I32, I32, 1, I64]),
    section(3, [1, 0]),
    section(5, [1, 0, PAGES]),
    section(7, code(2, exportName('memory'), 2, 0, exportName('advance'), 0, 0)),
    section(10, code(1, sized(BODY))),
  ),
);
