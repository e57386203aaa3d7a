/** What runs on Vertex AI; versions.ts makes the API's two versions of it. */
import type { Cloud } from "../../cloud";
import type { Service } from "../../service";
import { metadataMethods } from "./metadata";
import { modelMethods } from "./models";
import { pipelineJobMethods } from "./pipelines/jobs";
import { PipelineRunner } from "./pipelines/runner";

/** One runner for each cloud of this process: tests have several. */
const runners = new WeakMap<Cloud, PipelineRunner>();

function runnerOf(cloud: Cloud): PipelineRunner {
  const known = runners.get(cloud) ?? new PipelineRunner(cloud);
  runners.set(cloud, known);
  return known;
}

/** Spoken by gRPC too. */
const SERVICES = [
  "PipelineService",
  "DatasetService",
  "ModelService",
  "EndpointService",
  "MetadataService",
  "ScheduleService",
];

export const aiplatform: Service = {
  apis: ["aiplatform.v1", "aiplatform.v1beta1"],
  types: [],
  methods: { ...pipelineJobMethods(runnerOf), ...modelMethods, ...metadataMethods },
  transcoded: {
    protos: "@google-cloud/aiplatform",
    services: ["v1", "v1beta1"].flatMap((version) =>
      SERVICES.map((name) => `google.cloud.aiplatform.${version}.${name}`),
    ),
  },
  recover: (cloud) => runnerOf(cloud).recover(),
  close: (cloud) => runnerOf(cloud).close(),
};
