/** Vertex AI in its two versions, which answer in message types of different names: what runs, and what is stored. */
import type { Service } from "../../service";
import { aiplatform, wakeSchedules } from ".";
import { datasetType } from "./datasets";
import { endpointType } from "./endpoints";
import { metadataTypes } from "./metadata";
import { scheduleMethods, scheduleType } from "./schedules";

const versionOf = (version: "v1" | "v1beta1"): Pick<Service, "apis" | "types" | "methods" | "raw"> => ({
  apis: [`aiplatform.${version}`],
  types: [
    ...aiplatform.types,
    ...metadataTypes(version),
    datasetType(version),
    endpointType(version),
    scheduleType(version, wakeSchedules),
  ],
  methods: { ...aiplatform.methods, ...scheduleMethods(wakeSchedules) },
  raw: aiplatform.raw,
});

export const vertex: readonly Service[] = [{ ...aiplatform, ...versionOf("v1beta1") }, versionOf("v1")];
