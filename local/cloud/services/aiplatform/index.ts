/** What runs on Vertex AI; versions.ts makes the API's two versions of it. */
import type { Cloud } from "../../cloud";
import type { Service } from "../../service";
import { perCloud } from "../delivery/agenda";
import { Deployments } from "./deployments";
import { metadataMethods } from "./metadata";
import { modelMethods } from "./models";
import { pipelineJobMethods } from "./pipelines/jobs";
import { PipelineRunner } from "./pipelines/runner";
import { predict, rawPredict } from "./predictions";
import { ScheduleRunner } from "./schedule-runner";

const runnerOf = perCloud((cloud: Cloud): PipelineRunner => new PipelineRunner(cloud, () => wakeSchedules(cloud)));
const schedulesOf = perCloud((cloud: Cloud) => new ScheduleRunner(cloud, runnerOf(cloud)));
const deploymentsOf = perCloud((cloud: Cloud) => new Deployments(cloud));
/** A schedule has changed, or one of its runs has ended. */
export const wakeSchedules = (cloud: Cloud): void => schedulesOf(cloud).agenda.wake();

/** Spoken by gRPC too. */
const SERVICES = [
  "PipelineService",
  "DatasetService",
  "ModelService",
  "EndpointService",
  "PredictionService",
  "MetadataService",
  "ScheduleService",
];

const ENDPOINTS = "aiplatform.projects.locations.endpoints";

export const aiplatform: Service = {
  apis: ["aiplatform.v1", "aiplatform.v1beta1"],
  types: [],
  methods: {
    ...pipelineJobMethods(runnerOf),
    ...modelMethods,
    ...metadataMethods,
    [`${ENDPOINTS}.deployModel`]: (call, cloud) => deploymentsOf(cloud).deploy(call),
    [`${ENDPOINTS}.undeployModel`]: (call, cloud) => deploymentsOf(cloud).undeploy(call),
    [`${ENDPOINTS}.predict`]: predict,
    [`${ENDPOINTS}.rawPredict`]: rawPredict,
  },
  raw: [`${ENDPOINTS}.rawPredict`],
  transcoded: {
    protos: "@google-cloud/aiplatform",
    services: ["v1", "v1beta1"].flatMap((version) =>
      SERVICES.map((name) => `google.cloud.aiplatform.${version}.${name}`),
    ),
  },
  recover: async (cloud) => {
    await runnerOf(cloud).recover();
    await deploymentsOf(cloud).recover();
    wakeSchedules(cloud);
  },
  close: async (cloud) => {
    await schedulesOf(cloud).agenda.close();
    await runnerOf(cloud).close();
    await deploymentsOf(cloud).close();
  },
};
