/** Work that becomes due by the cloud's clock: looked for when woken, done, and waited for until the next is due. */
import type { Cloud } from "../../cloud";

/** The clock may be set, or a test's: nobody sleeps longer than this without looking at it. */
const LONGEST_SLEEP = 60_000;

export interface AgendaArgs {
  name: string;
  /** Does or starts what is due; tells when the next is, if any. */
  turn: () => Promise<Date | undefined>;
  cloud: Cloud;
}

export class Agenda {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isAsked = false;
  private isClosed = false;

  constructor(private readonly args: AgendaArgs) {}

  /** Something has changed: look again, at once or after the turn that is under way. */
  wake(): void {
    if (this.isClosed) return;
    this.isAsked = true;
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async run(): Promise<void> {
    let next: Date | undefined;
    while (this.isAsked && !this.isClosed) {
      this.isAsked = false;
      next = await this.turn();
    }
    if (this.isClosed) return;
    clearTimeout(this.timer);
    const wait = (next?.getTime() ?? Infinity) - this.args.cloud.now().getTime();
    this.timer = setTimeout(() => this.wake(), Math.max(0, Math.min(wait, LONGEST_SLEEP)));
    // What is only waited for keeps no process alive.
    this.timer.unref();
  }

  private async turn(): Promise<Date | undefined> {
    try {
      return await this.args.turn();
    } catch (error) {
      this.args.cloud.log.error({ err: error, agenda: this.args.name }, "work that was due failed by a bug");
      return undefined;
    }
  }
}

/** One agenda for each cloud of this process: tests have several. */
export function perCloud<T>(make: (cloud: Cloud) => T): (cloud: Cloud) => T {
  const known = new WeakMap<Cloud, T>();
  return (cloud) => {
    const found = known.get(cloud) ?? make(cloud);
    known.set(cloud, found);
    return found;
  };
}

export const earliest = (times: readonly (number | undefined)[]): Date | undefined => {
  const known = times.filter((time) => time !== undefined && Number.isFinite(time)) as number[];
  return known.length > 0 ? new Date(Math.min(...known)) : undefined;
};
