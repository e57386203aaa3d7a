/** Types around the workloads: networks, messages, schedules, secrets, registries, observation, governance. */
import { ARTIFACT_REGISTRY } from "./artifactregistry";
import { COMPUTE_ENGINE } from "./compute";
import type { Descriptor } from "./descriptor";
import { GOVERNANCE } from "./governance";
import { OBSERVABILITY } from "./observability";
import { PUBSUB } from "./pubsub";
import { SECRET_MANAGER } from "./secretmanager";
import { TASKS_AND_JOBS } from "./tasks";

export const PLATFORM: readonly Descriptor[] = [
  ...COMPUTE_ENGINE,
  ...PUBSUB,
  ...TASKS_AND_JOBS,
  ...SECRET_MANAGER,
  ...ARTIFACT_REGISTRY,
  ...OBSERVABILITY,
  ...GOVERNANCE,
];
