/** MD5 and CRC32C of bytes that pass by, and the checks of sums that a client names. */
import { createHash, type Hash } from "node:crypto";
import { crc32c } from "@node-rs/crc32";
import { invalid } from "./answers";

export interface Sums {
  size: number;
  /** Base64, big endian, as the API writes both. */
  crc32c: string;
  /** Absent for composed objects, which have no MD5 (docs "Composite objects"). */
  md5Hash?: string;
}

/** Sums that a client expects; either may be missing. */
export interface ExpectedSums {
  crc32c?: string;
  md5Hash?: string;
}

/** Running sums: feed chunks in order, read the result once. */
export class SumsInProgress {
  private readonly md5: Hash = createHash("md5");
  private crc = 0;
  private size = 0;

  update(chunk: Uint8Array): void {
    this.md5.update(chunk);
    this.crc = crc32c(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), this.crc);
    this.size += chunk.byteLength;
  }

  get bytes(): number {
    return this.size;
  }

  result(): Required<Sums> {
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(this.crc >>> 0);
    return { size: this.size, crc32c: crc.toString("base64"), md5Hash: this.md5.digest("base64") };
  }
}

/** Reads `x-goog-hash: crc32c=...,md5=...` (docs "HTTP headers", x-goog-hash). */
export function sumsOfHeader(header: string | string[] | undefined): ExpectedSums {
  const sums: ExpectedSums = {};
  for (const part of [header ?? []].flat().join(",").split(",")) {
    const [kind, value] = [part.slice(0, part.indexOf("=")).trim(), part.slice(part.indexOf("=") + 1).trim()];
    if (kind === "crc32c") sums.crc32c = value;
    if (kind === "md5") sums.md5Hash = value;
  }
  return sums;
}

/** Refuses bytes that are not what the client said; text as the real service's. */
export function checkSums(actual: Sums, expected: ExpectedSums): void {
  if (expected.crc32c !== undefined && expected.crc32c !== actual.crc32c)
    throw invalid(`Provided CRC32C "${expected.crc32c}" doesn't match calculated CRC32C "${actual.crc32c}".`);
  if (expected.md5Hash !== undefined && actual.md5Hash !== undefined && expected.md5Hash !== actual.md5Hash)
    throw invalid(`Provided MD5 hash "${expected.md5Hash}" doesn't match calculated MD5 hash "${actual.md5Hash}".`);
}
