/** Walks one shelf of a bucket in the order of the names' bytes, in batches, from any position. */
import type { Store } from "../../cloud";
import { generationInKey, inKey, type Shelf, shelfPrefix } from "./records";
import type { Bucket, Generation } from "./resources";

/** No character sorts behind the last one of Unicode. */
const LAST = "\u{10FFFF}";

/** Generation of a position before every generation of its name. */
export const BEFORE_ALL = "0";

/** Where a page ended: a generation of a name, or a prefix that stands for all names under it. */
export type Position = { name: string; generation: string } | { under: string };

export interface Walk {
  prefix: string;
  startOffset?: string;
  maxResults: number;
  /** All shelves that are walked side by side. */
  shelves: readonly Shelf[];
}

/** An object goes by its name, then by its generation, oldest first. */
export class ShelfCursor {
  private readonly base: string;
  private batch: { key: string; value: Generation }[] = [];
  private after: string | undefined;
  private ended = false;
  private floor: Position | undefined;

  constructor(
    private readonly store: Store,
    bucket: Bucket,
    private readonly shelf: Shelf,
    private readonly walk: Walk,
  ) {
    this.base = shelfPrefix(bucket, shelf);
    if (walk.startOffset && compare(walk.startOffset, walk.prefix) > 0)
      this.after = this.base + inKey(justBefore(walk.startOffset));
  }

  async peek(): Promise<Generation | undefined> {
    if (this.batch.length === 0 && !this.ended) {
      const limit = Math.min(this.walk.maxResults + 1, 1000);
      const entries = await this.store.list(this.base + inKey(this.walk.prefix), { startAfter: this.after, limit });
      this.batch = entries as { key: string; value: Generation }[];
      this.ended = this.batch.length < limit;
      this.after = this.batch.at(-1)?.key ?? this.after;
      this.dropTold();
      return this.peek();
    }
    return this.batch[0]?.value;
  }

  advance(): void {
    this.batch.shift();
  }

  /** Goes on behind a position; never back. */
  seek(position: Position | undefined): void {
    if (!position) return;
    this.floor = position;
    this.dropTold();
    const key = this.base + this.startOf(position);
    if (this.batch.length === 0 && (this.after === undefined || compare(key, this.after) > 0)) this.after = key;
  }

  private dropTold(): void {
    const floor = this.floor;
    if (floor) this.batch = this.batch.filter(({ value }) => isBehind(value, floor));
  }

  private startOf(position: Position): string {
    if ("under" in position) return inKey(position.under) + LAST;
    if (this.shelf !== "live") return inKey(position.name) + generationInKey(position.generation);
    // The page may have ended before the live generation of this name, at a noncurrent one for instance.
    const isPast = this.walk.shelves.length === 1 && position.generation !== BEFORE_ALL;
    return inKey(isPast ? position.name : justBefore(position.name));
  }
}

const isBehind = (object: Generation, position: Position) =>
  "under" in position ? compare(object.name, position.under + LAST) > 0 : order(object, position) > 0;

/** A text that sorts before `name` with hardly anything in between; for seeks that are exclusive at their start. */
function justBefore(name: string): string {
  const characters = [...name];
  const last = characters.pop()!.codePointAt(0)!;
  const head = characters.join("");
  if (last === 0) return head;
  const previous = last === 0xe000 ? 0xd7ff : last - 1;
  return head + String.fromCodePoint(previous) + LAST;
}

export const order = (a: { name: string; generation: string }, b: { name: string; generation: string }) =>
  compare(a.name, b.name) || Number(a.generation) - Number(b.generation);

/** Order of UTF-8 bytes, which differs from JavaScript's for characters beyond U+FFFF. */
export const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
