/** Two ends of a connection that exists in memory only: what one end writes, the other reads, with back-pressure. */
import { Duplex } from "node:stream";

export function connectionInMemory(): [Duplex, Duplex] {
  const left = new End();
  const right = new End();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class End extends Duplex {
  peer!: End;
  /** Acknowledges the peer's last write; held until this end is read. */
  private acknowledge: (() => void) | undefined;

  override _read(): void {
    const acknowledge = this.acknowledge;
    this.acknowledge = undefined;
    acknowledge?.();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    if (chunk.length === 0) return void process.nextTick(done);
    this.peer.acknowledge = done;
    this.peer.push(chunk);
  }

  override _final(done: () => void): void {
    this.peer.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // A connection that is cut at one end is cut at the other.
    process.nextTick(() => this.peer.destroy());
    done(error);
  }
}
