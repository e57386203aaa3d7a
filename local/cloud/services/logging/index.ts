/** Cloud Logging v2: log entries, the sinks that route them to BigQuery, and log-based metrics of the project. */
import type { Service } from "../../service";
import { metrics } from "./counts";
import { listEntries, writeEntries } from "./entries";
import { routerOf } from "./router";
import { sinkWriterOf } from "./sink-writer";
import { sinks } from "./sinks";

export const logging: Service = {
  apis: ["logging.v2"],
  types: [sinks, metrics],
  methods: { "logging.entries.list": listEntries, "logging.entries.write": writeEntries },
  recover: async (cloud) => {
    await routerOf(cloud).recover();
    sinkWriterOf(cloud).wake();
  },
  close: async (cloud) => {
    await routerOf(cloud).close();
    await sinkWriterOf(cloud).close();
  },
};
