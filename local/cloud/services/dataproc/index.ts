/** Dataproc (dataproc.v1): PySpark batches and Jupyter sessions that really run, session templates, single-node clusters, operations. */
import type { Cloud } from "../../cloud";
import type { Service } from "../../service";
import { runnerOf } from "./batch-runner";
import { batchMethods } from "./batches";
import { clusters } from "./clusters";
import { gateway, historyOf } from "./history";
import { SessionRunner } from "./session-runner";
import { sessionTemplates } from "./session-templates";
import { sessionMethods } from "./sessions";

/** One runner for each cloud of this process: tests have several. */
const sessionRunners = new WeakMap<Cloud, SessionRunner>();

function sessionsOf(cloud: Cloud): SessionRunner {
  const known = sessionRunners.get(cloud) ?? new SessionRunner(cloud);
  sessionRunners.set(cloud, known);
  return known;
}

export const dataproc: Service = {
  apis: ["dataproc.v1"],
  types: [sessionTemplates, clusters],
  methods: { ...batchMethods(runnerOf), ...sessionMethods(sessionsOf) },
  transcoded: {
    protos: "@google-cloud/dataproc",
    services: [
      "google.cloud.dataproc.v1.BatchController",
      "google.cloud.dataproc.v1.ClusterController",
      "google.cloud.dataproc.v1.SessionTemplateController",
      "google.cloud.dataproc.v1.SessionController",
    ],
    // Airflow's operators create batches below a region and look at them below a location.
    resourceName: (name) => name.replace(/^(projects\/[^/]+)\/regions\//, "$1/locations/"),
  },
  addresses: gateway,
  recover: async (cloud) => {
    await historyOf(cloud).recover();
    await runnerOf(cloud).recover();
    await sessionsOf(cloud).recover();
  },
  close: async (cloud) => {
    await historyOf(cloud).close();
    await sessionsOf(cloud).close();
    await runnerOf(cloud).close();
  },
};
