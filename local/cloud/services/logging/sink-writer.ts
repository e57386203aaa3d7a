/**
 * Writes what sinks have taken, a sink's queue at a time. What is in a queue stays there until BigQuery has it: a repeat
 * after a cloud that was killed has the same insert ids, by which BigQuery knows the rows.
 */
import type { Cloud } from "../../cloud";
import { ApiError, type Status } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject, Principal } from "../../service";
import { Agenda, perCloud } from "../delivery/agenda";
import { announce, recordsOf } from "./arrivals";
import { writeEntries } from "./bigquery-tables";
import { datasetOf, type Taken, taken } from "./sinks";

const CHUNKS_AT_ONCE = 50;
const RETRY_MS = 5000;
/** A destination that cannot take anything now is tried again; what else it answers, it would answer again. */
const PASSING: readonly Status[] = ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"];
const ERROR_CODES: Readonly<Partial<Record<Status, string>>> = {
  PERMISSION_DENIED: "dataset_permission_denied",
  NOT_FOUND: "dataset_not_found",
};
/** When a sink's error was logged last, by its name. The same error is logged once in this time. */
const LOGGED = "logging/sinkErrors/";
const LOGGED_MS = 3600_000;

export class SinkWriter {
  private readonly agenda: Agenda;
  private isClosing = false;

  constructor(private readonly cloud: Cloud) {
    this.agenda = new Agenda({ name: "log sinks", turn: () => this.turn(), cloud });
  }

  wake(): void {
    this.agenda.wake();
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.agenda.close();
  }

  /** Tells when to try again. */
  private async turn(): Promise<Date | undefined> {
    while (!this.isClosing) {
      const next = await taken(this.cloud, CHUNKS_AT_ONCE);
      const [first] = next;
      if (!first) return undefined;
      const own = next.filter(({ sink }) => sink === first.sink);
      if (!(await this.write(first.sink, own))) return new Date(this.cloud.now().getTime() + RETRY_MS);
    }
    return undefined;
  }

  /** Writes a part of a queue and takes it out; false when it has to stay for now. */
  private async write(name: string, own: readonly Taken[]): Promise<boolean> {
    const { cloud } = this;
    const sink = await cloud.store.get(name);
    const error = sink && (await this.deliver(name, sink, own));
    if (error === PASSES) return false;
    const put = sink && (await this.outcome(name, sink, error));
    await cloud.store.write({ put, delete: own.map(({ key }) => key) });
    if (error) announce(cloud);
    return true;
  }

  private async deliver(
    name: string,
    sink: JsonObject,
    own: readonly Taken[],
  ): Promise<SinkError | undefined | typeof PASSES> {
    const { usePartitionedTables = false } = (sink.bigqueryOptions ?? {}) as { usePartitionedTables?: boolean };
    const target = { sink: name, dataset: datasetOf(sink), usePartitionedTables, writer: writerOf(sink) };
    try {
      const [unfit] = await writeEntries(
        target,
        own.flatMap(({ entries }) => entries),
        this.cloud,
      );
      return unfit === undefined ? undefined : { code: "table_invalid_schema", detail: unfit };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.cloud.log.warn({ err: error, sink: name }, "a log sink's entries were not written");
      if (PASSING.includes(error.status)) return PASSES;
      return { code: ERROR_CODES[error.status] ?? "internal_error", detail: error.message };
    }
  }

  /** What to store of an error, as an entry of the project's logs; nothing if it was logged not long ago. */
  private async outcome(name: string, sink: JsonObject, error: SinkError | undefined) {
    if (!error) return {};
    const { cloud } = this;
    const last = await cloud.store.get(LOGGED + name);
    const now = cloud.now();
    const isKnown = last?.code === error.code && now.getTime() - Date.parse(textOf(last.at)) < LOGGED_MS;
    if (isKnown) return {};
    const at = now.toISOString();
    return { ...recordsOf([errorEntry(name, sink, error, at)]), [LOGGED + name]: { code: error.code, at } };
  }
}

const PASSES = Symbol("tried again later");

interface SinkError {
  code: string;
  detail: string;
}

const writerOf = (sink: JsonObject): Principal => ({
  ...{ kind: "serviceAccount", via: "none" },
  email: textOf(sink.writerIdentity).replace(/^serviceAccount:/, ""),
});

/** Source: https://cloud.google.com/logging/docs/export/troubleshoot */
function errorEntry(resourceName: string, sink: JsonObject, { code, detail }: SinkError, now: string): JsonObject {
  const [, project = ""] = resourceName.split("/");
  const [name, destination] = [textOf(sink.name), textOf(sink.destination)];
  return {
    logName: `projects/${project}/logs/logging.googleapis.com%2Fsink_error`,
    resource: { type: "logging_sink", labels: { project_id: project, name, destination } },
    severity: "ERROR",
    textPayload: `Cloud Logging sink configuration error in ${project}, sink ${name}: ${code} (${detail})`,
    labels: { error_code: code, sink_id: name, destination },
    insertId: `${name}-${Date.parse(now).toString(36)}`,
    ...{ timestamp: now, receiveTimestamp: now },
  };
}

export const sinkWriterOf = perCloud((cloud) => new SinkWriter(cloud));
