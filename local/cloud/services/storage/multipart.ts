/**
 * Multipart bodies as a stream: `multipart/related` of uploads and `multipart/mixed` of batches. Written here because the
 * parsers at hand take only line ends of CRLF, while Python's email package, which older Google clients build bodies with,
 * writes bare line feeds; the service takes both. Source: RFC 2046, section 5.1.
 */
import { MIMEType } from "node:util";
import { invalid } from "./answers";

/** Headers of a part are small; a boundary that is never found must not fill the memory. */
const LARGEST_HEAD = 64 * 1024;

export interface Part {
  /** Lower-case names. */
  headers: Record<string, string>;
  /** To be read to its end before the next part is asked for. */
  body: AsyncGenerator<Buffer>;
}

/** The parts of a body, one after the other. Throws 400 when the body is not what its boundary promises. */
export async function* partsOf(contentType: string | undefined, source: AsyncIterable<Buffer>): AsyncGenerator<Part> {
  const boundary = boundaryOf(contentType);
  const reader = new Reader(source);
  try {
    await reader.until(Buffer.from(`--${boundary}`), LARGEST_HEAD);
    for (;;) {
      const newline = await lineEnd(reader);
      if (newline === undefined) return;
      // A part without headers begins with an empty line.
      reader.giveBack(Buffer.from(newline));
      const head = await reader.until(Buffer.from(newline + newline), LARGEST_HEAD);
      const body = reader.stream(Buffer.from(`${newline}--${boundary}`));
      yield { headers: headersOf(head.toString("latin1")), body };
      // What its reader left unread is passed over.
      while (!(await body.next()).done);
    }
  } finally {
    await reader.close();
  }
}

/** How the line of a boundary ends; undefined behind the last boundary. */
async function lineEnd(reader: Reader): Promise<"\r\n" | "\n" | undefined> {
  const mark = await reader.take(2);
  const text = mark.toString("latin1");
  if (text === "--") return undefined;
  if (text === "\r\n") return text;
  if (!text.startsWith("\n")) throw broken("a boundary does not end its line");
  reader.giveBack(mark.subarray(1));
  return "\n";
}

function boundaryOf(contentType: string | undefined): string {
  let boundary: string | null = null;
  try {
    boundary = new MIMEType(contentType ?? "").params.get("boundary");
  } catch {
    // A malformed type is answered like one without a boundary.
  }
  if (boundary) return boundary;
  throw broken(`the content type is ${contentType ?? "missing"}; expected multipart with a boundary`);
}

const headersOf = (head: string): Record<string, string> =>
  Object.fromEntries(
    head.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(":");
      return at < 0 ? [] : [[line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]];
    }),
  );

const broken = (what: string) => invalid(`Invalid multipart request: ${what}.`);

/** Bytes of a stream, read up to marks. */
class Reader {
  private readonly source: AsyncIterator<Buffer>;
  private held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  giveBack(bytes: Buffer): void {
    this.held = Buffer.concat([bytes, this.held]);
  }

  async take(length: number): Promise<Buffer> {
    while (this.held.length < length) await this.more();
    const taken = this.held.subarray(0, length);
    this.held = this.held.subarray(length);
    return taken;
  }

  /** All bytes before a mark, which is passed over. */
  async until(mark: Buffer, limit: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.stream(mark)) {
      size += chunk.length;
      if (size > limit) throw broken(`no ${JSON.stringify(mark.toString("latin1"))} within ${limit} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** The same in pieces; what could be the beginning of the mark is held back. */
  async *stream(mark: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.held.indexOf(mark);
      const safe = at >= 0 ? at : Math.max(0, this.held.length - mark.length + 1);
      const chunk = this.held.subarray(0, safe);
      this.held = this.held.subarray(at >= 0 ? at + mark.length : safe);
      if (chunk.length > 0) yield chunk;
      if (at >= 0) return;
      await this.more();
    }
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }

  private async more(): Promise<void> {
    const next = await this.source.next();
    if (next.done) throw broken("it ends before its last boundary");
    this.held = this.held.length === 0 ? next.value : Buffer.concat([this.held, next.value]);
  }
}
