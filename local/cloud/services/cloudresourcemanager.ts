/** Resource Manager v1 and v3: the one project and its IAM policy. */
import type { Cloud } from "../cloud";
import { policyBehaviour } from "../engine/method-policies";
import { textOf } from "../json";
import type { Behaviour, JsonObject, Service } from "../service";

const PROJECT_KEY = "cloudresourcemanager/project";

/** The project is born with its lab. */
async function recover(cloud: Cloud): Promise<void> {
  if (await cloud.store.get(PROJECT_KEY)) return;
  await cloud.store.write({ put: { [PROJECT_KEY]: { createTime: cloud.now().toISOString() } } });
}

async function readProject(cloud: Cloud): Promise<JsonObject> {
  const { id, number } = cloud.project;
  const { createTime } = (await cloud.store.get(PROJECT_KEY)) ?? {};
  return {
    projectNumber: number,
    projectId: id,
    lifecycleState: "ACTIVE",
    name: id,
    ...(createTime !== undefined && { createTime }),
  };
}

async function readProjectV3(cloud: Cloud): Promise<JsonObject> {
  const { createTime, projectId, projectNumber } = await readProject(cloud);
  return {
    name: `projects/${textOf(projectNumber)}`,
    projectId: projectId!,
    state: "ACTIVE",
    displayName: projectId!,
    ...(createTime !== undefined && { createTime }),
  };
}

const policyName = async (_call: unknown, cloud: Cloud) =>
  `//cloudresourcemanager.googleapis.com/projects/${cloud.project.id}`;

const policies: Record<string, Behaviour> = Object.fromEntries(
  ["getIamPolicy", "setIamPolicy", "testIamPermissions"].map((verb) => [
    `cloudresourcemanager.projects.${verb}`,
    policyBehaviour(verb, policyName)!,
  ]),
);

export const cloudResourceManager: readonly Service[] = [
  {
    apis: ["cloudresourcemanager.v1"],
    types: [],
    methods: {
      ...policies,
      "cloudresourcemanager.projects.get": (_call, cloud) => readProject(cloud),
      "cloudresourcemanager.projects.list": async (_call, cloud) => ({ projects: [await readProject(cloud)] }),
      // Without an organisation a project has no parents.
      "cloudresourcemanager.projects.getAncestry": async (_call, cloud) => ({
        ancestor: [{ resourceId: { type: "project", id: cloud.project.id } }],
      }),
    },
    recover,
  },
  {
    apis: ["cloudresourcemanager.v3"],
    types: [],
    methods: { ...policies, "cloudresourcemanager.projects.get": (_call, cloud) => readProjectV3(cloud) },
    transcoded: { protos: "@google-cloud/resource-manager", services: ["google.cloud.resourcemanager.v3.Projects"] },
  },
];
