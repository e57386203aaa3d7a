/** What runs on Vertex AI; versions.ts makes the API's two versions of it. */
import type { Cloud } from "../../cloud";
import type { Service } from "../../service";
import { pipelineJobMethods } from "./pipelines/jobs";
import { PipelineRunner } from "./pipelines/runner";

/** One runner for each cloud of this process: tests have several. */
const runners = new WeakMap<Cloud, PipelineRunner>();

function runnerOf(cloud: Cloud): PipelineRunner {
  const known = runners.get(cloud) ?? new PipelineRunner(cloud);
  runners.set(cloud, known);
  return known;
}

export const aiplatform: Service = {
  apis: ["aiplatform.v1", "aiplatform.v1beta1"],
  types: [],
  methods: { ...pipelineJobMethods(runnerOf) },
  transcoded: {
    protos: "@google-cloud/aiplatform",
    services: ["google.cloud.aiplatform.v1.PipelineService", "google.cloud.aiplatform.v1beta1.PipelineService"],
  },
  recover: (cloud) => runnerOf(cloud).recover(),
  close: (cloud) => runnerOf(cloud).close(),
};
