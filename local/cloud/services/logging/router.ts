/**
 * The log router: hands each entry that arrives to whoever takes entries, once. What they take is stored together with
 * how far the router has come, so that a cloud that is killed goes on exactly there.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { Agenda, perCloud } from "../delivery/agenda";
import { ARRIVALS, type Consumer, listen, ROUTING } from "./arrivals";
import { toCounts } from "./counts";
import { drivenWork, driverLines } from "./driver-lines";
import { sinkWriterOf } from "./sink-writer";
import { toSinks } from "./sinks";
import { keeperOf, toAlerts } from "../monitoring/alerts";

const CONSUMERS: readonly Consumer[] = [toSinks, toCounts, toAlerts];

const POSITION = "logging/position";
/** Which of a driver's lines was routed last, by the uuid of its batch. */
const LINES = "logging/lines/";
const ARRIVALS_AT_ONCE = 50;
const LINES_AT_ONCE = 500;
/** Entries are routed together with those that follow soon; who writes them waits for none of this. */
const GATHER_MS = 500;
const ENDED = ["CANCELLED", "SUCCEEDED", "FAILED"];

export class Router {
  /** Batches whose drivers have printed more than is routed, by name. */
  private readonly grown = new Set<string>();
  private readonly closing = new AbortController();
  private readonly agenda: Agenda;

  constructor(private readonly cloud: Cloud) {
    this.agenda = new Agenda({ name: "log router", turn: () => this.turn(), cloud });
  }

  /** Takes up what a dead cloud left; called once. */
  async recover(): Promise<void> {
    for (const batch of await drivenWork(this.cloud)) {
      const routed = await this.cloud.store.get(LINES + textOf(batch.uuid));
      if (routed?.ended !== true) this.grown.add(textOf(batch.name));
    }
    listen(this.cloud, {
      heard: (batch) => {
        if (batch !== undefined) this.grown.add(batch);
        this.agenda.wake();
      },
      settle: (batch) => this.inTurn(() => this.routeLines(batch)),
    });
    this.agenda.wake();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.agenda.close();
  }

  private async turn(): Promise<undefined> {
    const { signal } = this.closing;
    await delay(GATHER_MS, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    await this.inTurn(() => this.routeArrivals());
    for (const batch of [...this.grown]) {
      this.grown.delete(batch);
      await this.inTurn(() => this.routeLines(batch)).catch((error: unknown) => {
        this.grown.add(batch);
        throw error;
      });
    }
  }

  private async routeArrivals(): Promise<void> {
    const { store } = this.cloud;
    for (;;) {
      const arrivals = await store.list(ARRIVALS, { limit: ARRIVALS_AT_ONCE });
      if (arrivals.length === 0) return;
      const keys = arrivals.flatMap(({ value }) => value.keys as string[]);
      const entries = await Promise.all(keys.map((key) => store.get(key)));
      const known = entries.filter((entry) => entry !== undefined);
      await this.route(known, { delete: arrivals.map(({ key }) => key) });
    }
  }

  private async routeLines(name: string): Promise<void> {
    const { store } = this.cloud;
    const batch = await store.get(name);
    if (!batch) return;
    const key = LINES + textOf(batch.uuid);
    const last = textOf((await store.get(key))?.last);
    const ended = ENDED.includes(textOf(batch.state));
    const printed = await driverLines(batch, this.cloud);
    // The last line of a driver that runs may not be whole.
    const lines = (ended ? printed : printed.slice(0, -1)).filter(({ insertId }) => textOf(insertId) > last);
    for (let from = 0; from < lines.length; from += LINES_AT_ONCE) {
      const some = lines.slice(from, from + LINES_AT_ONCE);
      await this.route(some, { put: { [key]: { last: some.at(-1)!.insertId! } } });
    }
    const now = lines.at(-1)?.insertId ?? last;
    if (ended) await store.write({ put: { [key]: { last: now, ended } } });
  }

  private async route(
    entries: readonly JsonObject[],
    seen: { put?: Record<string, JsonObject>; delete?: readonly string[] },
  ): Promise<void> {
    const { store } = this.cloud;
    const number = Number((await store.get(POSITION))?.last ?? 0) + 1;
    const position = String(number).padStart(16, "0");
    const put: Record<string, JsonObject> = { [POSITION]: { last: number } };
    for (const consumer of CONSUMERS) Object.assign(put, await consumer(entries, position, this.cloud));
    await store.write({ put: { ...put, ...seen.put }, delete: seen.delete });
    sinkWriterOf(this.cloud).wake();
    keeperOf(this.cloud).wake();
  }

  private inTurn = <T>(work: () => Promise<T>) => this.cloud.store.exclusive(ROUTING, work);
}

export const routerOf = perCloud((cloud) => new Router(cloud));
